package dev.halftone.calibration;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A growing sum of symmetric float32 products in float64, of which the upper triangle is kept. */
final class GramSum {
    private final int size;
    private final double[] h;

    GramSum(int size) {
        this.size = size;
        this.h = new double[Math.multiplyExact(size, size)];
    }

    int size() {
        return size;
    }

    /** Adds row i of a product, from the diagonal on. */
    void addRow(int i, MemorySegment row) {
        int at = i * size + i;
        for (int j = 0; j < size - i; j++) {
            h[at + j] += row.getAtIndex(ValueLayout.JAVA_FLOAT, j);
        }
    }

    /** Divided by the number of tokens, both triangles; ends the sum. */
    double[] mean(long tokens) {
        for (int i = 0; i < size; i++) {
            for (int j = i; j < size; j++) {
                double mean = h[i * size + j] / tokens;
                h[i * size + j] = mean;
                h[j * size + i] = mean;
            }
        }
        return h;
    }
}
