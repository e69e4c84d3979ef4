package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import org.jspecify.annotations.Nullable;

/**
 * What a solver is given.
 *
 * @param name of the site, for messages
 * @param weight W (out, in), row-major
 * @param gram second moments of the inputs; null if the recipe needs no calibration
 */
public record WeightProblem(
        String name,
        float[] weight,
        int out,
        int in,
        @Nullable Gram gram) {}
