package dev.halftone.solver;

import dev.halftone.format.NumberFormat;
import dev.halftone.tensor.Workers;

/**
 * A rule by which some weights of a layer stay out of its dense codes. Whatever the rule, exactly as many are chosen as the recipe
 * asks for, so that rules are compared at equal stored bits; and any of them goes with any solver that keeps outliers.
 */
public sealed interface OutlierChooser
        permits MagnitudeChooser, GradientChooser, SensitivityChooser, ThresholdChooser, RandomChooser {
    /** The name in recipes and reports. */
    String name();

    /** True if the rule reads the inputs' second moments. */
    default boolean needsGram() {
        return false;
    }

    /**
     * Chooses.
     *
     * @param format what the dense codes will be
     * @param count how many
     */
    OutlierMask choose(WeightProblem problem, NumberFormat format, int count, Workers workers);
}
