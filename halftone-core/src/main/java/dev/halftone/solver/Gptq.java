package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.GroupGrid;
import dev.halftone.format.IntGroup;
import dev.halftone.format.PackedWeight;
import dev.halftone.kernel.Kernels;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * GPTQ: rounds columns one by one and moves each column's error onto the columns still to come.
 *
 * <p>Source: Frantar et al., arXiv:2210.17323, algorithm 1. Deviations: dead columns are reported, not only zeroed; the grid of
 * a dynamic group is fitted to the values as they are when its first column is reached (the reference fits it to values that
 * lack the updates of the running block); with act-order the groups are static, so that no permutation has to be stored.
 *
 * <p>W (out, in); H = sum x x^T / tokens (in, in); U upper, U^T U = (H + damping * mean(diag H) * I)^-1. Rows are
 * independent and run in parallel; float64. Cost O(in^3 + out * in^2) time, O(in^2 + out * in) memory. With a diagonal H the
 * result equals {@link Rtn} exactly.
 */
public final class Gptq implements WeightSolver {
    /** Columns between two updates of the rest of the row; no effect on the result beyond the order of float64 sums. */
    private static final int BLOCK = 128;

    /** Rows that share a pass over U. */
    private static final int ROWS = 32;

    private static final double LARGEST_DAMPING = 1;
    private static final Kernels KERNELS = Kernels.best();

    /**
     * What a recipe can set.
     *
     * @param search how the grid of a group is chosen
     * @param actOrder columns in order of falling diag(H) instead of their own
     * @param staticGroups grids from the unmodified W before the first column is rounded; always so with actOrder
     * @param damping share of mean(diag H) added to the diagonal, 0.01 in the paper's code; raised by 0.01 until H is
     *     positive definite
     */
    public record Options(ClipSearch search, boolean actOrder, boolean staticGroups, double damping) {
        public Options {
            if (!(damping >= 0 && damping <= LARGEST_DAMPING)) {
                throw new IllegalArgumentException("damping " + damping);
            }
        }
    }

    private final Options options;

    /** The last factor: q, k and v share one H, and so do gate and up. */
    private final AtomicReference<@Nullable Factor> last = new AtomicReference<>();

    public Gptq(Options options) {
        this.options = options;
    }

    @Override
    public String name() {
        return "gptq";
    }

    @Override
    public boolean needsGram() {
        return true;
    }

    @Override
    public SolvedWeight solve(WeightProblem problem, IntGroup format, Workers workers) {
        Gram gram = problem.gram();
        if (gram == null) {
            throw new IllegalArgumentException("gptq needs second moments");
        }
        Factor factor = factor(gram, workers);
        double[] u = factor.u();
        try (LayerLoss loss = new LayerLoss(problem, gram, workers)) {
            GridRounding rounding;
            double absolute;
            if (u == null) {
                rounding = GridRounding.nearest(problem, format, options.search(), workers);
                absolute = loss.absolute(rounding.pack().decode());
            } else {
                Rows rows = new Rows(withoutDead(problem, factor.dead()), format, factor.order(), u, workers);
                rows.run(workers);
                rounding = rows.rounding;
                absolute = rows.loss(factor.added());
            }
            PackedWeight plain = GridRounding.nearest(problem, format, ClipSearch.MIN_MAX, workers)
                    .pack();
            return new SolvedWeight(
                    rounding.pack(),
                    loss.relative(absolute),
                    loss.relative(loss.absolute(plain.decode())),
                    rounding.changed(problem.weight()),
                    factor.events());
        }
    }

    /**
     * What the column loop needs of H.
     *
     * @param order column of W that is rounded at each step
     * @param dead inputs that are always zero
     * @param u factor of the inverse in solving order; null if no damping makes H positive definite
     * @param added what damping added to the diagonal
     */
    private record Factor(
            Gram gram, int[] order, boolean[] dead, double @Nullable [] u, double added, List<Event> events) {}

    private Factor factor(Gram gram, Workers workers) {
        Factor kept = last.get();
        if (kept == null || !kept.gram().equals(gram)) {
            kept = newFactor(gram, workers);
            last.set(kept);
        }
        return kept;
    }

    private Factor newFactor(Gram gram, Workers workers) {
        List<Event> events = new ArrayList<>();
        int n = gram.size();
        if (gram.tokens() < 4L * n) {
            events.add(new Event.FewTokens(gram.tokens(), n));
        }
        boolean[] dead = deadColumns(gram, events);
        int[] order = order(gram);
        double[] ordered = new double[n * n];
        double mean = 0;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                ordered[i * n + j] = gram.h()[order[i] * n + order[j]];
            }
            if (dead[order[i]]) {
                ordered[i * n + i] = 1;
            }
            mean += ordered[i * n + i] / n;
        }
        for (double damping = options.damping(); damping <= LARGEST_DAMPING; damping += 0.01) {
            double[] damped = ordered.clone();
            for (int i = 0; i < n; i++) {
                damped[i * n + i] += damping * mean;
            }
            double[] u = InverseFactor.upper(damped, n, workers);
            if (u != null) {
                if (damping > options.damping()) {
                    events.add(new Event.DampingRaised(options.damping(), damping));
                }
                return new Factor(gram, order, dead, u, damping * mean, events);
            }
        }
        events.add(new Event.FellBackToRtn("H is not positive definite at any damping"));
        return new Factor(gram, order, dead, null, 0, events);
    }

    private static boolean[] deadColumns(Gram gram, List<Event> events) {
        boolean[] dead = new boolean[gram.size()];
        int count = 0;
        double[] diagonal = gram.diagonal();
        for (int j = 0; j < dead.length; j++) {
            dead[j] = diagonal[j] == 0;
            count += dead[j] ? 1 : 0;
        }
        if (count > 0) {
            events.add(new Event.DeadColumns(count));
        }
        return dead;
    }

    private static WeightProblem withoutDead(WeightProblem problem, boolean[] dead) {
        float[] w = problem.weight().clone();
        for (int at = 0; at < w.length; at++) {
            if (dead[at % problem.in()]) {
                w[at] = 0;
            }
        }
        return new WeightProblem(problem.name(), w, problem.out(), problem.in(), problem.gram());
    }

    private int[] order(Gram gram) {
        IntStream columns = IntStream.range(0, gram.size());
        if (!options.actOrder()) {
            return columns.toArray();
        }
        double[] diagonal = gram.diagonal();
        return columns.boxed()
                .sorted(Comparator.comparingDouble((Integer j) -> -diagonal[j]).thenComparingInt(j -> j))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** The column loop over all rows. */
    private final class Rows {
        private final WeightProblem problem;
        private final IntGroup format;
        private final int[] order;
        private final double[] u;
        private final boolean statically;
        private final float[] importance;
        private final int n;
        private final GridRounding rounding;

        /** Per row: sum of the squared column errors, and |W - Q|^2. */
        private final double[] squaredErrors;

        private final double[] squaredDistance;

        Rows(WeightProblem problem, IntGroup format, int[] order, double[] u, Workers workers) {
            this.problem = problem;
            this.format = format;
            this.order = order;
            this.u = u;
            this.statically = options.staticGroups() || options.actOrder() || format.group() == IntGroup.ROW;
            this.importance = GridRounding.importance(problem, options.search());
            this.n = problem.in();
            this.rounding = statically
                    ? GridRounding.nearest(problem, format, options.search(), workers)
                    : new GridRounding(format, problem.out(), n);
            this.squaredErrors = new double[problem.out()];
            this.squaredDistance = new double[problem.out()];
        }

        void run(Workers workers) {
            workers.forEach(Math.ceilDiv(problem.out(), ROWS), tile -> {
                int first = tile * ROWS;
                solve(first, Math.min(ROWS, problem.out() - first));
            });
        }

        /**
         * tr((W - Q) H (W - Q)^T): the squared errors add up to the same with the damped H exactly, and damping is a multiple of
         * I.
         */
        double loss(double added) {
            double sum = 0;
            for (int row = 0; row < squaredErrors.length; row++) {
                sum += squaredErrors[row] - added * squaredDistance[row];
            }
            return sum;
        }

        private void solve(int first, int rows) {
            double[] w = new double[rows * n];
            for (int r = 0; r < rows; r++) {
                for (int i = 0; i < n; i++) {
                    w[r * n + i] = problem.weight()[(first + r) * n + order[i]];
                }
            }
            // A dynamic group is fitted to current values, so it must not straddle two blocks.
            int group = format.groupIn(n);
            int block = statically ? BLOCK : Math.max(group, BLOCK - BLOCK % group);
            double[] errors = new double[rows * block];
            for (int from = 0; from < n; from += block) {
                int to = Math.min(n, from + block);
                for (int r = 0; r < rows; r++) {
                    roundBlock(first + r, w, r * n, from, to, errors, r * block);
                }
                KERNELS.subtractProduct(w, to, n, errors, 0, block, u, from * n + to, n, rows, n - to, to - from);
            }
        }

        /** Columns from .. to-1 of one row, whose values start at {@code at} in w. */
        private void roundBlock(int row, double[] w, int at, int from, int to, double[] errors, int errorsAt) {
            GroupGrid grid = new GroupGrid(format, options.search());
            int perGroup = format.groupIn(n);
            for (int i = from; i < to; i++) {
                int column = order[i];
                int g = column / perGroup;
                if (!statically && i % perGroup == 0) {
                    rounding.fit(grid, row, g, floats(w, at + i, perGroup), 0, importance);
                }
                int code = rounding.code((float) w[at + i], row, g);
                rounding.codes[row * n + column] = (byte) code;
                double q = rounding.value(code, row, g);
                double error = (w[at + i] - q) / u[i * n + i];
                KERNELS.subtractScaled(w, at + i, error, u, i * n + i, to - i);
                errors[errorsAt + i - from] = error;
                squaredErrors[row] += error * error;
                double distance = problem.weight()[row * n + column] - q;
                squaredDistance[row] += distance * distance;
            }
        }

        private static float[] floats(double[] values, int at, int length) {
            float[] result = new float[length];
            for (int i = 0; i < length; i++) {
                result[i] = (float) values[at + i];
            }
            return result;
        }
    }
}
