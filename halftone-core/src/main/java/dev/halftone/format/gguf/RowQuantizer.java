package dev.halftone.format.gguf;

import org.jspecify.annotations.Nullable;

/** Fills rows as llama.cpp's own quantizer does, byte for byte. One for each thread: it has scratch memory. */
public interface RowQuantizer {
    /**
     * Fills a row.
     *
     * @param x the row's values, from {@code at} on
     * @param importance of each input, the mean square of what it was given in calibration; null for none
     * @param row receives codes and scales
     */
    void quantize(float[] x, int at, float @Nullable [] importance, BlockRow row);

    /** The quantizer of a layout. */
    static RowQuantizer of(BlockLayout layout) {
        return switch (layout) {
            case Q4_0, Q5_0 -> new SymmetricBlocks(layout);
            case Q4_1, Q5_1 -> new AffineBlocks(layout);
            case Q8_0 -> EightBitBlocks::quantize;
            case IQ4_NL -> new CodebookBlocks();
            case MXFP4 -> MicroscalingBlocks::quantize;
            case Q2_K, Q4_K, Q5_K -> new AffineSuperBlocks(layout);
            case Q3_K, Q6_K -> new SymmetricSuperBlocks(layout);
            case TQ1_0, TQ2_0 -> TernaryBlocks::quantize;
        };
    }
}
