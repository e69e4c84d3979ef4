package dev.halftone.format.gguf;

import org.jspecify.annotations.Nullable;

/** TQ1_0 and TQ2_0: -d, 0 or d with d the largest magnitude; meant for weights that are ternary already. */
final class TernaryBlocks {
    private TernaryBlocks() {}

    static void quantize(float[] x, int at, float @Nullable [] importance, BlockRow row) {
        int size = row.layout().block();
        for (int b = 0; b < row.d.length; b++) {
            int from = at + b * size;
            float d = Math.abs(ScaleSearch.signedLargest(x, from, size));
            float inverse = Rounding.inverse(d);
            row.setUnit(b, d);
            for (int i = 0; i < size; i++) {
                row.codes[b * size + i] = (byte) (Rounding.awayFromZero(x[from + i] * inverse) + 1);
            }
        }
    }
}
