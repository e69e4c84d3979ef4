package dev.halftone.statistics;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * A uniform sample of a stream that merges exactly, for percentiles. Every value has a random 64-bit key; kept are the values
 * whose key begins with {@code level} zero bits. Where that becomes too many, the level rises and half of them go. So the
 * sample of merged streams does not depend on the order of merging, and every value had the same chance.
 */
public final class Sample {
    /** A block starts at a level that keeps about this share of the capacity. */
    private static final int BLOCK_SHARE = 8;

    private final int capacity;
    private int level;
    private int size;
    private long[] keys = new long[0];
    private float[] values = new float[0];

    /** @param capacity most values kept; 0 for none */
    public Sample(int capacity) {
        this.capacity = capacity;
    }

    /** Draws from a block; values that are not finite are passed over. */
    public void add(float[] x, int at, int length, RandomGenerator random) {
        if (capacity == 0) {
            return;
        }
        int quota = Math.max(1, capacity / BLOCK_SHARE);
        while ((length >>> level) > quota) {
            raise();
        }
        double missed = StrictMath.log1p(-Math.scalb(1.0, -level));
        for (long i = gap(random, missed); i < length; i += 1 + gap(random, missed)) {
            long key = level == 0 ? random.nextLong() : random.nextLong() >>> level;
            float value = x[at + (int) i];
            if (Float.isFinite(value)) {
                put(key, value);
            }
        }
        shrink();
    }

    /** Values between two that are taken: geometric with success 2^-level. */
    private long gap(RandomGenerator random, double missed) {
        return level == 0 ? 0 : (long) (StrictMath.log(1 - random.nextDouble()) / missed);
    }

    /** Adds another's values. */
    public void merge(Sample other) {
        while (level < other.level) {
            raise();
        }
        for (int i = 0; i < other.size; i++) {
            if (stays(other.keys[i])) {
                put(other.keys[i], other.values[i]);
            }
        }
        shrink();
    }

    private boolean stays(long key) {
        return Long.numberOfLeadingZeros(key) >= level;
    }

    private void put(long key, float value) {
        if (size == keys.length) {
            int more = Math.max(16, 2 * size);
            keys = Arrays.copyOf(keys, more);
            values = Arrays.copyOf(values, more);
        }
        keys[size] = key;
        values[size++] = value;
    }

    private void shrink() {
        while (size > capacity) {
            raise();
        }
    }

    private void raise() {
        level++;
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (stays(keys[i])) {
                keys[kept] = keys[i];
                values[kept++] = values[i];
            }
        }
        size = kept;
    }

    /** Each value was kept with probability 2^-level. */
    public int level() {
        return level;
    }

    /** The values in ascending order; a copy. */
    public float[] sorted() {
        float[] sorted = Arrays.copyOf(values, size);
        Arrays.sort(sorted);
        return sorted;
    }

    /** A quantile of the values themselves, signs included; 0 of nothing. */
    public double quantile(double share) {
        float[] sorted = sorted();
        return sorted.length == 0
                ? 0
                : sorted[Math.clamp((int) Math.ceil(share * sorted.length) - 1, 0, sorted.length - 1)];
    }

    long[] keys() {
        return Arrays.copyOf(keys, size);
    }

    float[] values() {
        return Arrays.copyOf(values, size);
    }

    static Sample of(int capacity, int level, long[] keys, float[] values) {
        Sample sample = new Sample(capacity);
        sample.level = level;
        sample.keys = keys;
        sample.values = values;
        sample.size = keys.length;
        return sample;
    }
}
