package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.ClipSearch.Measure;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.StoredWeight;
import dev.halftone.format.TurnedWeight;
import dev.halftone.solver.ColumnLoop.Walk;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * AdaDim: groups run along the inputs of one output, as usual, or along the outputs of one input, whichever loses less on this layer;
 * then rounding to nearest or GPTQ in that direction. With groups along the outputs an input with large activations has scales of its own.
 *
 * <p>Source: Heo et al., arXiv:2309.15531. The loss is that of the linear itself, tr((W - Q) H (W - Q)^T), which the paper takes for o and
 * down only; for q, k, v, gate and up it runs the module. Deviations: grids of GPTQ are fixed before the first column in both
 * directions (the paper fits those along the outputs on the way), and the range of a group holds 0.
 *
 * <p>W (out, in). Cost twice that of rounding to nearest, and one GPTQ.
 */
public final class AdaDim implements WeightSolver {
    private static final double DAMPING_STEP = 0.01;

    /** What rounds in the chosen direction, or chooses it. */
    public enum Base {
        /** Rounding to nearest. */
        RTN,
        /** Error feedback, columns in the order of falling diag(H). */
        GPTQ;

        /** The name in recipes. */
        public String title() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What a recipe can set.
     *
     * @param base what rounds
     * @param select whose losses are compared: the paper's is RTN
     * @param search how the grid of a group is chosen
     * @param damping of GPTQ, share of mean(diag H)
     */
    public record Options(Base base, Base select, ClipSearch search, double damping) {}

    private final Options options;
    private final LastFactor last;

    public AdaDim(Options options) {
        this.options = options;
        this.last = new LastFactor(new DampedFactor.Damping(options.damping(), DAMPING_STEP, false));
    }

    @Override
    public String name() {
        return "adadim-" + options.base().title();
    }

    @Override
    public boolean needsGram() {
        return true;
    }

    /** A direction's result. */
    private record Rounded(GridRounding rounding, boolean turned, List<Event> events) {
        StoredWeight packed() {
            return turned ? new TurnedWeight(rounding.pack()) : rounding.pack();
        }
    }

    @Override
    public boolean givesPlainCodes() {
        return false;
    }

    @Override
    public Solution find(WeightProblem problem, NumberFormat format, Workers workers) {
        Gram gram = problem.gramFor("adadim");
        boolean both = problem.out() % format.groupIn(problem.out()) == 0 && format.divides(problem.out());
        Base select = options.base() == Base.RTN ? Base.RTN : options.select();
        Rounded along = round(problem, gram, format, select, false, workers);
        Rounded chosen = along;
        if (both) {
            Rounded across = round(problem, gram, format, select, true, workers);
            try (LayerLoss loss = new LayerLoss(problem, gram, workers)) {
                boolean better = loss.absolute(across.packed().decode())
                        < loss.absolute(along.packed().decode());
                chosen = better ? across : along;
            }
        }
        if (select != options.base()) {
            chosen = round(problem, gram, format, options.base(), chosen.turned(), workers);
        }
        List<Event> events = new ArrayList<>(chosen.events());
        if (!both) {
            events.add(new Event.OneDirection(problem.out(), format.label()));
        }
        float[] weight = chosen.turned() ? turn(problem.weight(), problem.in()) : problem.weight();
        double changed = chosen.rounding().changed(weight, workers);
        return Solution.stored(problem, chosen.packed(), format, changed, events);
    }

    private Rounded round(
            WeightProblem problem, Gram gram, NumberFormat format, Base base, boolean turned, Workers workers) {
        WeightProblem seen = turned ? turned(problem) : problem;
        // All weights of a group along the outputs count alike: they are multiplied by the same input.
        ClipSearch search = turned ? options.search().withMeasure(Measure.PLAIN) : options.search();
        if (base == Base.RTN) {
            GridRounding rounding = GridRounding.nearest(seen, format, search, workers);
            return new Rounded(rounding, turned, rounding.events());
        }
        int[] order = ColumnOrder.ACT.of(gram.diagonal(), 1);
        return last.with(gram, order, workers, factor -> {
            List<Event> events = new ArrayList<>(factor.events());
            double[] r = factor.r();
            if (r == null) {
                GridRounding rounding = GridRounding.nearest(seen, format, search, workers);
                events.addAll(rounding.events());
                return new Rounded(rounding, turned, events);
            }
            WeightProblem alive = problem.withoutDead(factor.dead());
            GridRounding rounding = GridRounding.fixed(turned ? turned(alive) : alive, format, search, workers);
            ColumnLoop.Grid grid = turned ? new TurnedGrid(rounding) : rounding;
            Walk walk = new Walk(order, r, 0, false, ColumnLoop.BLOCK);
            new ColumnLoop(alive.weight(), problem.out(), walk, grid, null).run(workers);
            events.addAll(rounding.events());
            return new Rounded(rounding, turned, events);
        });
    }

    /** The transpose, whose inputs have no moments. */
    private static WeightProblem turned(WeightProblem problem) {
        return new WeightProblem(
                problem.name(), turn(problem.weight(), problem.in()), problem.in(), problem.out(), null);
    }

    private static float[] turn(float[] w, int in) {
        int out = w.length / in;
        float[] turned = new float[w.length];
        for (int row = 0; row < out; row++) {
            for (int j = 0; j < in; j++) {
                turned[j * out + row] = w[row * in + j];
            }
        }
        return turned;
    }

    /** Grids of the transpose, for a loop over the columns of the weight. */
    private record TurnedGrid(GridRounding turned) implements ColumnLoop.Grid {
        @Override
        public int groupOf(int column) {
            return 0;
        }

        @Override
        public void fit(int row, int group, float[] values, int at) {
            throw new IllegalStateException("grids are fixed before the first column");
        }

        @Override
        public float round(int row, int column, float w) {
            return turned.round(/* row= */ column, /* column= */ row, w);
        }
    }
}
