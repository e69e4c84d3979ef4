package dev.halftone.solver;

import java.util.BitSet;

/** Weights of a layer that stay out of the dense codes: places in a row-major (out, in) matrix. */
public final class OutlierMask {
    private static final int DIGIT = 16;
    private final BitSet places;

    private OutlierMask(BitSet places) {
        this.places = places;
    }

    /** The outliers at these places. */
    public static OutlierMask of(int[] places) {
        BitSet set = new BitSet();
        for (int place : places) {
            set.set(place);
        }
        return new OutlierMask(set);
    }

    /** How many outliers a share of a weight is. */
    public static int count(double share, int elements) {
        return (int) Math.rint(share * elements);
    }

    /**
     * The places with the largest scores, exactly {@code count}; of equal scores the first. NaN counts as 0.
     *
     * @param scores not negative
     */
    static OutlierMask largest(float[] scores, int count) {
        BitSet set = new BitSet(scores.length);
        if (count <= 0) {
            return new OutlierMask(set);
        }
        if (count >= scores.length) {
            set.set(0, scores.length);
            return new OutlierMask(set);
        }
        int threshold = threshold(scores, count);
        int above = 0;
        for (float score : scores) {
            above += bits(score) > threshold ? 1 : 0;
        }
        int equal = count - above;
        for (int at = 0; at < scores.length; at++) {
            int bits = bits(scores[at]);
            if (bits > threshold || (bits == threshold && equal-- > 0)) {
                set.set(at);
            }
        }
        return new OutlierMask(set);
    }

    /** Bits of the score that the last of the largest has: they order as the scores do. Two passes, 16 bits each. */
    private static int threshold(float[] scores, int count) {
        int[] upper = new int[1 << DIGIT];
        for (float score : scores) {
            upper[bits(score) >>> DIGIT]++;
        }
        int left = count;
        int high = upper.length - 1;
        while (upper[high] < left) {
            left -= upper[high--];
        }
        int[] lower = new int[1 << DIGIT];
        for (float score : scores) {
            int bits = bits(score);
            if (bits >>> DIGIT == high) {
                lower[bits & 0xFFFF]++;
            }
        }
        int low = lower.length - 1;
        while (lower[low] < left) {
            left -= lower[low--];
        }
        return high << DIGIT | low;
    }

    private static int bits(float score) {
        return score > 0 ? Float.floatToRawIntBits(score) : 0;
    }

    /** True if the weight at a place, row * in + column, is an outlier. */
    public boolean has(int place) {
        return places.get(place);
    }

    /** How many there are. */
    public int size() {
        return places.cardinality();
    }

    /** Ascending. */
    public int[] places() {
        return places.stream().toArray();
    }
}
