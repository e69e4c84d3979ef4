package dev.halftone.format.gguf;

import org.jspecify.annotations.Nullable;

/** MXFP4 as ggml stores it: the exponent puts the largest magnitude between 4 and 8, codes are the nearest values. */
final class MicroscalingBlocks {
    private static final int BLOCK = 32;

    /** floor(log2) of the largest value, 6, and the bias of the exponent. */
    private static final int LARGEST_EXPONENT = 2;

    private static final int BIAS = 127;

    private MicroscalingBlocks() {}

    static void quantize(float[] x, int at, float @Nullable [] importance, BlockRow row) {
        BlockLayout layout = row.layout();
        for (int b = 0; b < row.d.length; b++) {
            int from = at + b * BLOCK;
            float magnitude = Math.abs(ScaleSearch.signedLargest(x, from, BLOCK));
            int exponent = magnitude == 0 ? 0 : Math.getExponent(magnitude) - LARGEST_EXPONENT + BIAS;
            row.d[b] = (short) (exponent & 0xFF);
            float unit = row.unit(b);
            for (int i = 0; i < BLOCK; i++) {
                int best = 0;
                for (int code = 1; code <= layout.largest(); code++) {
                    float error = Math.abs(layout.level(code) * unit - x[from + i]);
                    if (error < Math.abs(layout.level(best) * unit - x[from + i])) {
                        best = code;
                    }
                }
                row.codes[b * BLOCK + i] = (byte) best;
            }
        }
    }
}
