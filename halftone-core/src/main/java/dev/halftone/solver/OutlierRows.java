package dev.halftone.solver;

import dev.halftone.format.OutlierWeight;
import dev.halftone.format.Outliers;
import dev.halftone.format.StoredWeight;
import java.util.Arrays;

/** Outliers of a weight while it is being solved, as differences from its dense values. Rows may be filled by different threads. */
final class OutlierRows {
    private static final int FIRST = 4;

    private final int in;
    private final int[] counts;

    /** Per row: column in the upper half, bits of the difference in the lower one; sorting them sorts the columns. */
    private final long[][] entries;

    OutlierRows(int out, int in) {
        this.in = in;
        this.counts = new int[out];
        this.entries = new long[out][0];
    }

    /** Adds an outlier; returns the difference as it will be stored. */
    float put(int row, int column, float difference) {
        if (counts[row] == entries[row].length) {
            entries[row] = Arrays.copyOf(entries[row], Math.max(FIRST, 2 * counts[row]));
        }
        entries[row][counts[row]++] =
                ((long) column << Integer.SIZE) | (Float.floatToRawIntBits(difference) & 0xFFFF_FFFFL);
        return Outliers.stored(difference);
    }

    long size() {
        return Arrays.stream(counts).asLongStream().sum();
    }

    /** The dense codes with these outliers beside them; without any, the dense codes alone. */
    StoredWeight beside(StoredWeight dense) {
        if (size() == 0) {
            return dense;
        }
        int[][] inputs = new int[counts.length][];
        float[][] differences = new float[counts.length][];
        for (int row = 0; row < counts.length; row++) {
            long[] sorted = Arrays.copyOf(entries[row], counts[row]);
            Arrays.sort(sorted);
            inputs[row] = new int[sorted.length];
            differences[row] = new float[sorted.length];
            for (int i = 0; i < sorted.length; i++) {
                inputs[row][i] = (int) (sorted[i] >>> Integer.SIZE);
                differences[row][i] = Float.intBitsToFloat((int) sorted[i]);
            }
        }
        return new OutlierWeight(dense, Outliers.ofWeights(in, inputs, differences));
    }
}
