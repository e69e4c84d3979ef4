package dev.halftone.format;

import java.util.Arrays;

/**
 * What grids are made of.
 *
 * @param low smallest value, at most 0; {@code high} likewise
 * @param least smallest value as it is; {@code most} likewise
 * @param peak the first of the values with the largest magnitude
 * @param mean of the magnitudes
 */
record GroupRange(float low, float high, float least, float most, float peak, float mean) {
    static GroupRange of(GroupValues values) {
        float low = 0;
        float high = 0;
        float least = Float.POSITIVE_INFINITY;
        float most = Float.NEGATIVE_INFINITY;
        float peak = 0;
        double sum = 0;
        for (int r = 0; r < values.rows(); r++) {
            for (int i = values.row(r); i < values.row(r) + values.length(); i++) {
                float w = values.w()[i];
                low = Math.min(low, w);
                high = Math.max(high, w);
                least = Math.min(least, w);
                most = Math.max(most, w);
                peak = Math.abs(w) > Math.abs(peak) ? w : peak;
                sum += Math.abs(w);
            }
        }
        return new GroupRange(low, high, least, most, peak, (float) (sum / ((long) values.rows() * values.length())));
    }

    /** True if all values are 0. */
    boolean zero() {
        return low == 0 && high == 0;
    }

    float magnitude() {
        return Math.max(-low, high);
    }

    /** The range of the values cut off at -bound and bound. */
    GroupRange bounded(float bound) {
        float share = Math.min(1, bound / magnitude());
        return new GroupRange(
                Math.max(low, -bound),
                Math.min(high, bound),
                Math.clamp(least, -bound, bound),
                Math.clamp(most, -bound, bound),
                Math.clamp(peak, -bound, bound),
                mean * share);
    }

    /** The p-quantile of the magnitudes, linear between neighbours. */
    static float quantile(GroupValues values, double p) {
        float[] magnitudes = new float[values.rows() * values.length()];
        int count = 0;
        for (int r = 0; r < values.rows(); r++) {
            for (int i = values.row(r); i < values.row(r) + values.length(); i++) {
                magnitudes[count++] = Math.abs(values.w()[i]);
            }
        }
        Arrays.sort(magnitudes);
        double position = p * (count - 1);
        int below = (int) position;
        int above = Math.min(below + 1, count - 1);
        return (float) (magnitudes[below] + (position - below) * ((double) magnitudes[above] - magnitudes[below]));
    }
}
