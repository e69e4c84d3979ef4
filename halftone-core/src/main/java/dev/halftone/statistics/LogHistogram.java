package dev.halftone.statistics;

import java.util.Arrays;

/**
 * Counts of values by sign, exponent and the top three bits of the mantissa: 8 bins per octave from 2^-20 to 2^12, so magnitudes
 * are known within 6 to 12.5 %. Zeros are counted apart; smaller and larger magnitudes have a bin of their own at either end.
 */
public final class LogHistogram {
    /** Bins of one sign: underflow, 32 octaves of 8, overflow. */
    public static final int BINS = 258;

    /** The float bits above the fourth mantissa bit: sign, exponent, three bits. */
    private static final int SHIFT = 20;

    private static final int RAW = 1 << 12;
    private static final int SIGN = RAW / 2;
    /** The first bin's exponent and mantissa bits: 2^-20. */
    private static final int FIRST = (127 - 20) * 8;

    private static final int NOT_FINITE = 255 * 8;

    private final long[] positive = new long[BINS];
    private final long[] negative = new long[BINS];
    private long zeros;

    /** Counts values. Returns how many were not finite: those are not counted. */
    public long add(float[] x, int at, int length) {
        // Four tables: equal neighbours would wait for one another's sum.
        int[] a = new int[RAW];
        int[] b = new int[RAW];
        int[] c = new int[RAW];
        int[] d = new int[RAW];
        int i = at;
        for (; i < at + length - 3; i += 4) {
            a[Float.floatToRawIntBits(x[i]) >>> SHIFT]++;
            b[Float.floatToRawIntBits(x[i + 1]) >>> SHIFT]++;
            c[Float.floatToRawIntBits(x[i + 2]) >>> SHIFT]++;
            d[Float.floatToRawIntBits(x[i + 3]) >>> SHIFT]++;
        }
        for (; i < at + length; i++) {
            a[Float.floatToRawIntBits(x[i]) >>> SHIFT]++;
        }
        for (int raw = 0; raw < RAW; raw++) {
            a[raw] += b[raw] + c[raw] + d[raw];
        }
        long skipped = 0;
        for (int raw = 0; raw < RAW; raw++) {
            long count = a[raw];
            if (count == 0) {
                continue;
            }
            int magnitude = raw & (SIGN - 1);
            if (magnitude >= NOT_FINITE) {
                skipped += count;
            } else {
                (raw >= SIGN ? negative : positive)[bin(magnitude)] += count;
            }
        }
        if (a[0] + a[SIGN] > 0) {
            separateZeros(x, at, length);
        }
        return skipped;
    }

    /** Zeros fell into the underflow bins with the smallest numbers. */
    private void separateZeros(float[] x, int at, int length) {
        for (int i = 0; i < length; i++) {
            int bits = Float.floatToRawIntBits(x[at + i]);
            if (bits << 1 == 0) {
                zeros++;
                (bits < 0 ? negative : positive)[0]--;
            }
        }
    }

    /** Counts one finite value. */
    public void add(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (bits << 1 == 0) {
            zeros++;
        } else {
            (bits < 0 ? negative : positive)[bin((bits & 0x7FFF_FFFF) >>> SHIFT)]++;
        }
    }

    private static int bin(int magnitude) {
        return Math.clamp(magnitude - FIRST + 1, 0, BINS - 1);
    }

    /** Adds another's counts. */
    public void merge(LogHistogram other) {
        for (int i = 0; i < BINS; i++) {
            positive[i] += other.positive[i];
            negative[i] += other.negative[i];
        }
        zeros += other.zeros;
    }

    /** Number of values. */
    public long count() {
        return zeros + Arrays.stream(positive).sum() + Arrays.stream(negative).sum();
    }

    public long zeros() {
        return zeros;
    }

    /** Values of both signs by magnitude, zeros left out; a copy. */
    public long[] magnitudes() {
        long[] sums = new long[BINS];
        Arrays.setAll(sums, i -> positive[i] + negative[i]);
        return sums;
    }

    /** Smallest magnitude of a bin; 0 for the first. */
    public static double lower(int bin) {
        return bin == 0 ? 0 : Float.intBitsToFloat((FIRST + bin - 1) << SHIFT);
    }

    /**
     * A quantile of |x|: the middle of the bin where the share is reached, but no more than the largest magnitude.
     *
     * @param share 0 to 1
     * @param largest max |x|, which is known exactly
     */
    public double quantile(double share, double largest) {
        long rank = Math.max(1, (long) Math.ceil(share * count()));
        long seen = zeros;
        if (rank <= seen) {
            return 0;
        }
        for (int bin = 0; bin < BINS; bin++) {
            seen += positive[bin] + negative[bin];
            if (rank <= seen) {
                return bin == BINS - 1 ? largest : Math.min(largest, (lower(bin) + lower(bin + 1)) / 2);
            }
        }
        return largest;
    }

    /**
     * How many values lie further than {@code reach} from {@code centre}; within a bin they count as evenly spread.
     *
     * @param low smallest value, exactly; likewise {@code high}
     */
    public double beyond(double centre, double reach, double low, double high) {
        return above(centre + reach, high, positive, negative, -low)
                + above(reach - centre, -low, negative, positive, high);
    }

    /** Values above a threshold on one side of zero; a threshold below zero takes in part of the other side. */
    private double above(double threshold, double limit, long[] side, long[] other, double otherLimit) {
        if (threshold >= 0) {
            return tail(side, threshold, limit);
        }
        double all = tail(other, 0, otherLimit);
        return tail(side, 0, limit) + zeros + all - tail(other, -threshold, otherLimit);
    }

    private static double tail(long[] counts, double threshold, double limit) {
        double sum = 0;
        for (int bin = BINS - 1; bin >= 0; bin--) {
            if (counts[bin] == 0) {
                continue;
            }
            double lower = lower(bin);
            double upper = bin == BINS - 1 ? limit : Math.min(limit, lower(bin + 1));
            if (lower >= threshold) {
                sum += counts[bin];
            } else if (upper > threshold) {
                sum += counts[bin] * (upper - threshold) / (upper - lower);
            }
        }
        return sum;
    }

    /** Zeros, positive bins, negative bins: what a file keeps. */
    long[] toArray() {
        long[] all = new long[1 + 2 * BINS];
        all[0] = zeros;
        System.arraycopy(positive, 0, all, 1, BINS);
        System.arraycopy(negative, 0, all, 1 + BINS, BINS);
        return all;
    }

    static LogHistogram of(long[] all) {
        LogHistogram histogram = new LogHistogram();
        histogram.zeros = all[0];
        System.arraycopy(all, 1, histogram.positive, 0, BINS);
        System.arraycopy(all, 1 + BINS, histogram.negative, 0, BINS);
        return histogram;
    }
}
