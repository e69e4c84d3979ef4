package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.NumberFormat;
import dev.halftone.tensor.Workers;

/**
 * SpQR's sensitivity: what rounding a weight to nearest adds to the layer's error once the columns behind it have made up for it as
 * well as they can, (w - q)^2 / u_j^2, with the columns in the order of falling diag(H).
 *
 * <p>Source: Dettmers et al., arXiv:2306.03078; u_j^2 is the pivot of the inverse as in the authors' code, not the diagonal of H^-1.
 *
 * @param damping share of mean(diag H) on the diagonal
 */
public record SensitivityChooser(double damping) implements OutlierChooser {
    private static final double DAMPING_STEP = 0.01;

    @Override
    public String name() {
        return "sensitivity";
    }

    @Override
    public boolean needsGram() {
        return true;
    }

    @Override
    public OutlierMask choose(WeightProblem problem, NumberFormat format, int count, Workers workers) {
        Gram gram = problem.gramFor("sensitivity");
        int n = problem.in();
        int[] order = ColumnOrder.ACT.of(gram.diagonal(), 1);
        DampedFactor factor =
                DampedFactor.of(gram, order, new DampedFactor.Damping(damping, DAMPING_STEP, false), workers);
        double[] r = factor.r();
        double[] pivots = new double[n];
        for (int i = 0; i < n; i++) {
            // Without a factor the solver falls back and says so; all inputs count alike then.
            pivots[order[i]] = r == null ? 1 : factor.dead()[order[i]] ? 0 : r[i * n + i];
        }
        float[] nearest =
                GridRounding.fixed(problem, format, ClipSearch.MIN_MAX, workers).nearest(problem.weight(), workers);
        float[] scores = new float[nearest.length];
        for (int at = 0; at < scores.length; at++) {
            double error = ((double) problem.weight()[at] - nearest[at]) * pivots[at % n];
            scores[at] = (float) (error * error);
        }
        return OutlierMask.largest(scores, count);
    }
}
