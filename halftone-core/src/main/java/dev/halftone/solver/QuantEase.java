package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.Outliers.Placement;
import dev.halftone.format.StoredWeight;
import dev.halftone.solver.ColumnLoop.Walk;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * QuantEase: coordinate descent over the columns of Q for the layer's output error, from some start, on grids that are fixed before.
 *
 * <p>Source: Behdin et al., arXiv:2309.01885, and the authors' code for schedule and defaults. Deviations: what is kept is the best
 * rounded iterate of each row, not the last; GPTQ can be the start, on the same grids ({@link Start#GPTQ}, the target stays W).
 *
 * <p>W (out, in); Sigma = H = sum x x^T / tokens (in, in), not damped. Every third sweep up to the 25th is relaxed: its columns take
 * the best value without rounding. Cost O(sweeps * out * in^2). With outliers V + S is stored, S sparse ({@link IterativeThreshold}).
 */
public final class QuantEase implements WeightSolver {
    /** The authors' number of sweeps. */
    public static final int SWEEPS = 30;

    private static final double DAMPING_STEP = 0.01;

    /** What V is before the first sweep. */
    public enum Start {
        /** W itself, unrounded. */
        WEIGHT,
        /** W rounded to nearest. */
        RTN,
        /** GPTQ's result on the same grids, columns in the order of falling diag(H). */
        GPTQ;

        /** The name in recipes. */
        public String title() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * Outliers that are chosen on the way.
     *
     * @param share of the weights, or of the columns
     */
    public record Sparse(Placement placement, double share) {}

    /**
     * What a recipe can set.
     *
     * @param search how the grid of a group is chosen
     * @param sweeps over all columns
     * @param relax some sweeps do not round
     * @param damping of GPTQ's start, share of mean(diag H)
     * @param sparse null for none
     */
    public record Options(
            ClipSearch search,
            Start start,
            int sweeps,
            boolean relax,
            double damping,
            @Nullable Sparse sparse) {
        /** Without outliers. */
        public Options(ClipSearch search, Start start, int sweeps, boolean relax, double damping) {
            this(search, start, sweeps, relax, damping, null);
        }
    }

    private final Options options;
    private final LastFactor last;

    public QuantEase(Options options) {
        this.options = options;
        this.last = new LastFactor(new DampedFactor.Damping(options.damping(), DAMPING_STEP, false));
    }

    @Override
    public String name() {
        return "quantease";
    }

    @Override
    public boolean needsGram() {
        return true;
    }

    /** Those that it is told of are never rounded; with outliers of its own it is told of none. */
    @Override
    public boolean keepsOutliers() {
        return options.sparse() == null;
    }

    @Override
    public Solution find(WeightProblem problem, NumberFormat format, Workers workers) {
        Gram gram = problem.gramFor("quantease");
        int[] order = ColumnOrder.ACT.of(gram.diagonal(), format.groupIn(problem.in()));
        return last.with(gram, order, workers, factor -> find(problem, gram, format, order, factor, workers));
    }

    private Solution find(
            WeightProblem problem, Gram gram, NumberFormat format, int[] order, DampedFactor factor, Workers workers) {
        List<Event> events = new ArrayList<>(factor.events());
        double[] r = factor.r();
        if (r == null) {
            GridRounding rounding = GridRounding.nearest(problem, format, options.search(), workers);
            events.addAll(rounding.events());
            return Solution.nearest(problem, rounding, events);
        }
        WeightProblem alive = problem.withoutDead(factor.dead());
        Sparse sparse = options.sparse();
        if (sparse != null) {
            IterativeThreshold variant = new IterativeThreshold(alive, gram, format, options.search(), sparse);
            boolean[] schedule = CoordinateDescent.schedule(options.sweeps(), options.relax());
            variant.run(schedule, (target, rounding) -> start(target, order, r, rounding, workers), workers);
            GridRounding rounding = variant.rounding();
            events.addAll(rounding.events());
            return Solution.of(problem, rounding, variant.packed(), Double.NaN, events);
        }
        GridRounding rounding = GridRounding.fixed(alive, format, options.search(), workers);
        float[] start = start(alive, order, r, rounding, workers);
        boolean onGrid = options.start() != Start.WEIGHT;
        float[] best;
        try (CoordinateDescent descent =
                new CoordinateDescent(alive.weight(), start, onGrid, gram, rounding, problem.outliers(), workers)) {
            descent.run(CoordinateDescent.schedule(options.sweeps(), options.relax()));
            best = descent.best();
        }
        events.addAll(rounding.events());
        StoredWeight packed = rounding.packed(best, problem.outliers(), workers);
        return Solution.of(problem, rounding, packed, Double.NaN, events);
    }

    private float[] start(WeightProblem problem, int[] order, double[] r, GridRounding rounding, Workers workers) {
        int in = problem.in();
        return switch (options.start()) {
            case WEIGHT -> problem.weight();
            case RTN -> rounding.nearest(problem.weight(), workers);
            case GPTQ -> {
                OutlierMask mask = problem.outliers();
                KeptValues kept = mask == null ? null : new KeptValues(mask, problem.out(), in);
                Walk walk = new Walk(order, r, 0, false, ColumnLoop.BLOCK);
                new ColumnLoop(problem.weight(), problem.out(), walk, rounding, kept).run(workers);
                float[] values = rounding.values(workers);
                if (kept != null) {
                    kept.into(values);
                }
                yield values;
            }
        };
    }

    /** What kept weights were when their column was reached. */
    private static final class KeptValues implements ColumnLoop.Kept {
        private final OutlierMask mask;
        private final int in;
        private final float[] values;

        KeptValues(OutlierMask mask, int out, int in) {
            this.mask = mask;
            this.in = in;
            this.values = new float[out * in];
        }

        @Override
        public boolean keeps(int row, int column) {
            return mask.has(row * in + column);
        }

        @Override
        public float keep(int row, int column, float value) {
            values[row * in + column] = value;
            return value;
        }

        void into(float[] target) {
            for (int place : mask.places()) {
                target[place] = values[place];
            }
        }
    }
}
