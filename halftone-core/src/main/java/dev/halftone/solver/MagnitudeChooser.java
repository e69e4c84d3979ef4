package dev.halftone.solver;

import dev.halftone.format.NumberFormat;
import dev.halftone.tensor.Workers;

/** The largest |W| of the layer: a quantile of the magnitudes as threshold. What AdpQ's adaptive lasso comes to. */
public record MagnitudeChooser() implements OutlierChooser {
    @Override
    public String name() {
        return "magnitude";
    }

    @Override
    public OutlierMask choose(WeightProblem problem, NumberFormat format, int count, Workers workers) {
        return largest(problem.weight(), count);
    }

    /** The largest magnitudes; of equal ones the first. */
    static OutlierMask largest(float[] weight, int count) {
        float[] scores = new float[weight.length];
        for (int at = 0; at < scores.length; at++) {
            scores[at] = Math.abs(weight[at]);
        }
        return OutlierMask.largest(scores, count);
    }
}
