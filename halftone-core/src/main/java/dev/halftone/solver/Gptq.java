package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.NumberFormat;
import dev.halftone.solver.ColumnLoop.Walk;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.List;

/**
 * GPTQ: rounds columns one by one and moves each column's error onto the columns still to come.
 *
 * <p>Source: Frantar et al., arXiv:2210.17323, algorithm 1. Deviations: dead columns are reported, not only zeroed; the grid of
 * a dynamic group is fitted to the values as they are when its first column is reached (the reference fits it to values that
 * lack the updates of the running block: {@link Options#stale}); scales are rounded to what they are stored as before codes are
 * computed with them.
 *
 * <p>W (out, in); H = sum x x^T / tokens (in, in); R upper, R R^T = H + damping * mean(diag H) * I, the inverse of the paper's U
 * ({@link ColumnLoop}). R is found in float64, rows are rounded in float32, in parallel. Cost O(in^3 + out * in^2) time,
 * O(in^2 + out * in) memory. With a diagonal H the result equals {@link Rtn} exactly.
 */
public final class Gptq implements WeightSolver {
    /** Shares of mean(diag H) by which damping rises after a failure. */
    public static final double DAMPING_STEP = 0.01;

    /** Columns whose errors a stale group lacks: blocks of the paper's code. */
    private static final int STALE_BLOCK = 128;

    /**
     * What a recipe can set.
     *
     * @param search how the grid of a group is chosen
     * @param order of the columns
     * @param staticGroups grids from the unmodified W before the first column is rounded; always so for whole rows and for
     *     scales of several rows. Where they are not, order {@code act} makes groups of columns that follow one another in that
     *     order, and their groups are stored
     * @param stale dynamic groups are fitted to values that lack the errors of the running block of 128 columns, as the paper's
     *     code does
     * @param damping share of mean(diag H) added to the diagonal, 0.01 in the paper's code
     * @param dampingStep by how much the share rises until H is positive definite; 0: not at all
     * @param dampingFloor after that, up to a tenth of max(diag H) is added
     */
    public record Options(
            ClipSearch search,
            ColumnOrder order,
            boolean staticGroups,
            boolean stale,
            double damping,
            double dampingStep,
            boolean dampingFloor) {
        public Options {
            DampedFactor.Damping checked = new DampedFactor.Damping(damping, dampingStep, dampingFloor);
            if (stale && staticGroups) {
                throw new IllegalArgumentException("static groups are never stale: " + checked);
            }
        }

        /** Own order or that of falling diag(H), and damping that rises by 0.01. */
        public Options(ClipSearch search, boolean actOrder, boolean staticGroups, double damping) {
            this(
                    search,
                    actOrder ? ColumnOrder.ACT : ColumnOrder.NATURAL,
                    staticGroups,
                    false,
                    damping,
                    DAMPING_STEP,
                    false);
        }
    }

    private final Options options;
    private final int block;

    private final LastFactor last;

    public Gptq(Options options) {
        this(options, options.stale() ? STALE_BLOCK : ColumnLoop.BLOCK);
    }

    /** @param block columns of one matrix product */
    Gptq(Options options, int block) {
        this.options = options;
        this.block = block;
        this.last = new LastFactor(
                new DampedFactor.Damping(options.damping(), options.dampingStep(), options.dampingFloor()));
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
    public void forget() {
        last.forget();
    }

    @Override
    public boolean keepsOutliers() {
        return true;
    }

    @Override
    public Solution find(WeightProblem problem, NumberFormat format, Workers workers) {
        Gram gram = problem.gramFor("gptq");
        int[] order = options.order().of(gram.diagonal(), format.groupIn(problem.in()));
        return last.with(gram, order, workers, factor -> find(problem, format, order, factor, workers));
    }

    private Solution find(
            WeightProblem problem, NumberFormat format, int[] order, DampedFactor factor, Workers workers) {
        List<Event> events = new ArrayList<>(factor.events());
        double[] r = factor.r();
        if (r == null) {
            GridRounding rounding = GridRounding.nearest(problem, format, options.search(), workers);
            events.addAll(rounding.events());
            return Solution.nearest(problem, rounding, events);
        }
        WeightProblem alive = problem.withoutDead(factor.dead());
        GridRounding rounding = rounding(alive, format, order, workers);
        OutlierMask mask = problem.outliers();
        KeptOutliers kept = mask == null ? null : new KeptOutliers(mask, problem.out(), problem.in(), rounding);
        int dynamic = dynamic(format, problem) ? format.groupIn(problem.in()) : 0;
        Walk walk = new Walk(order, r, dynamic, options.stale(), block);
        ColumnLoop loop = new ColumnLoop(alive.weight(), problem.out(), walk, rounding, kept);
        loop.run(workers);
        events.addAll(rounding.events());
        return kept == null
                ? Solution.of(problem, rounding, loop.loss(factor.added()), events)
                : Solution.kept(problem, rounding, kept, loop.loss(factor.added()), events);
    }

    /** True if grids are fitted on the way: not where outliers stay out of them, which the values of a group do not tell. */
    private boolean dynamic(NumberFormat format, WeightProblem problem) {
        int in = problem.in();
        return !options.staticGroups() && format.groupIn(in) < in && format.rows() == 1 && problem.outliers() == null;
    }

    /** The grids that the loop rounds on: fitted to W, or still to be fitted. */
    private GridRounding rounding(WeightProblem problem, NumberFormat format, int[] order, Workers workers) {
        if (!dynamic(format, problem)) {
            return GridRounding.fixed(problem, format, options.search(), workers);
        }
        boolean reordered = options.order() == ColumnOrder.ACT;
        int group = format.group();
        int[] groupOf = new int[order.length];
        int[] columns = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            int g = (reordered ? i : order[i]) / group;
            groupOf[order[i]] = g;
            // Whatever the order, the columns of a group follow one another.
            columns[g * group + i % group] = order[i];
        }
        SearchWeights weights = SearchWeights.of(problem, options.search(), columns, group);
        return new GridRounding(problem, format.withReordered(reordered), weights, groupOf);
    }
}
