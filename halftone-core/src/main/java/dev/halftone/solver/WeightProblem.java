package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import org.jspecify.annotations.Nullable;

/**
 * What a solver is given.
 *
 * @param name of the site, for messages
 * @param weight W (out, in), row-major
 * @param gram second moments of the inputs; null if the recipe needs no calibration
 * @param outliers weights that stay out of the dense codes; null for none. Only solvers that say so ({@link
 *     WeightSolver#keepsOutliers}) are given some
 */
public record WeightProblem(
        String name,
        float[] weight,
        int out,
        int in,
        @Nullable Gram gram,
        @Nullable OutlierMask outliers) {
    /** Without outliers. */
    public WeightProblem(String name, float[] weight, int out, int in, @Nullable Gram gram) {
        this(name, weight, out, in, gram, null);
    }

    /** The same with other values. */
    WeightProblem withWeight(float[] values) {
        return new WeightProblem(name, values, out, in, gram, outliers);
    }

    /** The same with these outliers, or none. */
    WeightProblem withOutliers(@Nullable OutlierMask chosen) {
        return new WeightProblem(name, weight, out, in, gram, chosen);
    }

    /** The same with zeros in the columns of inputs that are always zero. */
    WeightProblem withoutDead(boolean[] dead) {
        boolean some = false;
        for (boolean one : dead) {
            some |= one;
        }
        if (!some) {
            return this;
        }
        float[] w = weight.clone();
        for (int j = 0; j < dead.length; j++) {
            for (int row = 0; dead[j] && row < out; row++) {
                w[row * in + j] = 0;
            }
        }
        return withWeight(w);
    }

    /** The second moments, for a method that cannot do without them; its name is for the complaint. */
    Gram gramFor(String method) {
        Gram known = gram;
        if (known == null) {
            throw new IllegalArgumentException(method + " needs second moments");
        }
        return known;
    }

    /**
     * What dense grids are fitted to: W with the mean of the others of its group in the place of each outlier, 0 where all are.
     *
     * @param group inputs that share a grid
     */
    float[] dense(int group) {
        OutlierMask mask = outliers;
        if (mask == null) {
            return weight;
        }
        float[] filled = weight.clone();
        for (int first = 0; first < filled.length; first += group) {
            double sum = 0;
            int count = 0;
            for (int at = first; at < first + group; at++) {
                if (!mask.has(at)) {
                    sum += weight[at];
                    count++;
                }
            }
            float mean = count == 0 ? 0 : (float) (sum / count);
            for (int at = first; count < group && at < first + group; at++) {
                filled[at] = mask.has(at) ? mean : weight[at];
            }
        }
        return filled;
    }
}
