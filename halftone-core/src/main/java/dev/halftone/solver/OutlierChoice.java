package dev.halftone.solver;

/**
 * How many outliers, and which.
 *
 * @param share of a layer's weights, 0 to 1
 */
public record OutlierChoice(OutlierChooser chooser, double share) {
    public OutlierChoice {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("share of outliers " + share);
        }
    }

    /** How many a weight has. */
    public int count(WeightProblem problem) {
        return OutlierMask.count(share, problem.weight().length);
    }
}
