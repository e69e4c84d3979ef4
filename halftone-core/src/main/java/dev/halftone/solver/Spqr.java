package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.BilevelGroup;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.NumberFormat;
import dev.halftone.solver.ColumnLoop.Walk;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.List;

/**
 * SpQR: GPTQ's loop with small groups whose scales and zero points are quantized themselves, and weights kept in 16 bits where
 * rounding them would cost the layer's output more than a threshold.
 *
 * <p>Source: Dettmers et al., arXiv:2306.03078, and the authors' code. With U as in GPTQ and e = (w - q) / U_jj, a weight is an outlier
 * if e^2 > theta = threshold * mean_j(var(W_j) / U_jj^2). Before a group's grid is fitted, weights whose absence lets the others be
 * rounded better by more than theta are left out of it ({@link SpqrGrid}). Deviations: outliers are stored as differences from the
 * nearest dense value, so that a reader can add; statistics of equal scales are exact.
 *
 * <p>W (out, in). Cost GPTQ's and O(out * in * group).
 */
public final class Spqr implements WeightSolver {
    /** Share of outliers above which the result says so. */
    private static final double MANY = 0.1;

    private static final double DAMPING_STEP = 0.01;

    /**
     * What a recipe can set.
     *
     * @param threshold the authors' outlier threshold, relative; infinite: no outliers
     * @param damping share of mean(diag H) on the diagonal, 1 in the authors' recipe
     * @param statisticBits of the codes of scales and zero points
     * @param rows outputs whose scales are quantized together; divides 64
     * @param order of the columns; groups are of columns that follow one another in it
     * @param screen outliers are left out of the grid's fit
     */
    public record Options(
            double threshold, double damping, int statisticBits, int rows, ColumnOrder order, boolean screen) {
        public Options {
            if (!(threshold >= 0) || rows < 1 || SpqrGrid.STRIP % rows != 0) {
                throw new IllegalArgumentException("threshold %s, %d rows".formatted(threshold, rows));
            }
        }
    }

    private final Options options;
    private final LastFactor last;

    public Spqr(Options options) {
        this.options = options;
        this.last = new LastFactor(new DampedFactor.Damping(options.damping(), DAMPING_STEP, false));
    }

    @Override
    public String name() {
        return "spqr";
    }

    @Override
    public boolean needsGram() {
        return true;
    }

    @Override
    public boolean givesPlainCodes() {
        return false;
    }

    /** @param format of which bits and group count, and what rounding to nearest is compared in */
    @Override
    public Solution find(WeightProblem problem, NumberFormat format, Workers workers) {
        Gram gram = problem.gramFor("spqr");
        int[] order = options.order().of(gram.diagonal(), format.groupIn(problem.in()));
        return last.with(gram, order, workers, factor -> find(problem, format, order, factor, workers));
    }

    private Solution find(
            WeightProblem problem, NumberFormat format, int[] order, DampedFactor factor, Workers workers) {
        List<Event> events = new ArrayList<>();
        for (Event event : factor.events()) {
            events.add(event instanceof Event.DeadColumns(int columns) ? new Event.UnseenColumns(columns) : event);
        }
        double[] r = factor.r();
        if (r == null) {
            GridRounding rounding = GridRounding.nearest(problem, format, ClipSearch.MIN_MAX, workers);
            events.addAll(rounding.events());
            return Solution.nearest(problem, rounding, events);
        }
        WeightProblem alive = problem.withoutDead(factor.dead());
        boolean reordered = options.order() == ColumnOrder.ACT;
        BilevelGroup stored = new BilevelGroup(
                format.bits(), format.groupIn(problem.in()), options.statisticBits(), options.rows(), reordered);
        double theta = theta(alive, order, r);
        SpqrGrid grid = new SpqrGrid(alive, stored, order, r, theta, options.screen());
        Walk walk = new Walk(order, r, stored.group(), false, ColumnLoop.BLOCK);
        new ColumnLoop(alive.weight(), problem.out(), walk, grid, null).run(workers);
        double share = grid.outlierShare();
        if (share > MANY) {
            events.add(new Event.ManyOutliers(share));
        }
        return Solution.stored(problem, grid.packed(), format, grid.changed(problem.weight()), events);
    }

    /** threshold * mean_j(var(W_j) / U_jj^2), unbiased over the rows; 1 / U_jj = R_jj. */
    private double theta(WeightProblem problem, int[] order, double[] r) {
        int in = problem.in();
        int out = problem.out();
        if (Double.isInfinite(options.threshold())) {
            return Double.POSITIVE_INFINITY;
        }
        double sum = 0;
        for (int i = 0; i < in; i++) {
            double total = 0;
            double squares = 0;
            for (int row = 0; row < out; row++) {
                double w = problem.weight()[row * in + order[i]];
                total += w;
                squares += w * w;
            }
            double variance = out == 1 ? 0 : (squares - total * total / out) / (out - 1);
            sum += Math.max(variance, 0) * r[i * in + i] * r[i * in + i];
        }
        return Math.max(options.threshold() * sum / in, Double.MIN_NORMAL);
    }
}
