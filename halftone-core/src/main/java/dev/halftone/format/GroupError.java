package dev.halftone.format;

import dev.halftone.format.ClipSearch.Measure;
import dev.halftone.kernel.Kernels;
import dev.halftone.kernel.Levels;

/** The error of rounding one group to some levels, in the measure of a search. */
final class GroupError {
    private static final Kernels KERNELS = Kernels.best();

    private final GridMode mode;
    private final ClipSearch search;
    private final GroupValues values;
    private final ColumnWeights weights;
    private final ErrorMeasure sums;

    GroupError(GridMode mode, ClipSearch search, GroupValues values, ColumnWeights weights, float largest) {
        this.mode = mode;
        this.search = search;
        this.values = values;
        this.weights = weights;
        this.sums = new ErrorMeasure(search, weights, largest);
    }

    /** Sum over the group; of one run exactly the kernel's float32 sum. */
    double of(Levels levels) {
        double sum = 0;
        for (int r = 0; r < values.rows(); r++) {
            sum += row(r, levels);
        }
        return sum;
    }

    private double row(int r, Levels levels) {
        int at = values.row(r);
        if (search.measure() == Measure.OUTPUT) {
            double[] difference = new double[values.length()];
            for (int i = 0; i < difference.length; i++) {
                float w = values.w()[at + i];
                difference[i] = (double) levels.value(mode.code(w, levels)) - w;
            }
            return sums.product(difference, difference);
        }
        return search.norm() == 2
                ? KERNELS.roundError(values.w(), at, weights.importance(), weights.at(), values.length(), levels)
                : KERNELS.roundErrorPower(
                        values.w(),
                        at,
                        weights.importance(),
                        weights.at(),
                        values.length(),
                        levels,
                        (float) search.norm(),
                        sums.unit());
    }

    /**
     * The scale with the least squared error for the codes that {@code levels} give: sum h (w - offset) q / sum h q^2 with q =
     * code - zero, or the same with the block of H between; NaN if all q are 0.
     */
    float leastSquares(Levels levels) {
        double upper = 0;
        double lower = 0;
        // Binary levels lie half a step beside the zero point.
        float zero = mode == GridMode.BINARY ? 0.5f : levels.zero();
        float offset = mode == GridMode.BINARY ? 0 : levels.offset();
        double[] q = new double[values.length()];
        double[] target = new double[values.length()];
        for (int r = 0; r < values.rows(); r++) {
            for (int i = 0; i < q.length; i++) {
                float w = values.w()[values.row(r) + i];
                q[i] = mode.code(w, levels) - zero;
                target[i] = (double) w - offset;
            }
            upper += sums.product(q, target);
            lower += sums.product(q, q);
        }
        return (float) (upper / lower);
    }
}
