package dev.halftone.format;

import java.util.Arrays;

/**
 * What grids are made of.
 *
 * @param low smallest value, at most 0; {@code high} likewise
 * @param least smallest value as it is; {@code most} likewise
 * @param peak the first of the values with the largest magnitude
 * @param mean of the magnitudes, where the mode needs it
 */
record GroupRange(float low, float high, float least, float most, float peak, float mean) {
    static GroupRange of(GroupValues values, GridMode mode) {
        float least = Float.POSITIVE_INFINITY;
        float most = Float.NEGATIVE_INFINITY;
        for (int r = 0; r < values.rows(); r++) {
            for (int i = values.row(r); i < values.row(r) + values.length(); i++) {
                least = Math.min(least, values.w()[i]);
                most = Math.max(most, values.w()[i]);
            }
        }
        float mean = mode == GridMode.TERNARY || mode == GridMode.BINARY ? mean(values) : 0;
        return new GroupRange(Math.min(0, least), Math.max(0, most), least, most, peak(values, least, most), mean);
    }

    private static float peak(GroupValues values, float least, float most) {
        if (-least != most) {
            return -least > most ? least : most;
        }
        for (int r = 0; r < values.rows(); r++) {
            for (int i = values.row(r); i < values.row(r) + values.length(); i++) {
                if (Math.abs(values.w()[i]) == most) {
                    return values.w()[i];
                }
            }
        }
        return most;
    }

    private static float mean(GroupValues values) {
        double sum = 0;
        for (int r = 0; r < values.rows(); r++) {
            for (int i = values.row(r); i < values.row(r) + values.length(); i++) {
                sum += Math.abs(values.w()[i]);
            }
        }
        return (float) (sum / ((long) values.rows() * values.length()));
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
