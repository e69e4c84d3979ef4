package dev.halftone.format.gguf;

import org.jspecify.annotations.Nullable;

/** Q8_0: the largest magnitude becomes 127; importance changes nothing. */
final class EightBitBlocks {
    private static final int BLOCK = 32;
    private static final int LARGEST = 127;
    private static final int ZERO = 128;

    private EightBitBlocks() {}

    static void quantize(float[] x, int at, float @Nullable [] importance, BlockRow row) {
        for (int b = 0; b < row.d.length; b++) {
            int from = at + b * BLOCK;
            float magnitude = Math.abs(ScaleSearch.signedLargest(x, from, BLOCK));
            float d = magnitude / LARGEST;
            float inverse = Rounding.inverse(d);
            row.setUnit(b, d);
            for (int i = 0; i < BLOCK; i++) {
                row.codes[b * BLOCK + i] = (byte) (Rounding.awayFromZero(x[from + i] * inverse) + ZERO);
            }
        }
    }
}
