package dev.halftone.format;

import org.jspecify.annotations.Nullable;

/**
 * How much errors in the columns of a group matter.
 *
 * @param importance of the columns, from {@code at} on: factors of squared errors
 * @param moments the group's block of H, (length, length) row-major, for {@link ClipSearch.Measure#OUTPUT}; null for the other
 *     measures
 */
public record ColumnWeights(float[] importance, int at, double @Nullable [] moments) {
    /** Importance alone. */
    public static ColumnWeights of(float[] importance, int at) {
        return new ColumnWeights(importance, at, null);
    }
}
