package dev.halftone.format.gguf;

import org.jspecify.annotations.Nullable;

/**
 * Q4_0 and Q5_0. Without importance: the element of largest magnitude becomes the code -N, and codes are computed with the scale
 * before it is stored. With importance: LS1, weighted by the row's mean square.
 */
final class SymmetricBlocks implements RowQuantizer {
    private static final int BLOCK = 32;

    private final int half;
    private final int largest;
    private final float[] weights = new float[BLOCK];
    private final byte[] codes = new byte[BLOCK];
    private final float[] block = new float[BLOCK];

    SymmetricBlocks(BlockLayout layout) {
        this.largest = layout.largest();
        this.half = (largest + 1) / 2;
    }

    @Override
    public void quantize(float[] x, int at, float @Nullable [] importance, BlockRow row) {
        float square = importance == null ? 0 : RowWeights.squares(x, at, row.in()) / row.in();
        for (int b = 0; b < row.d.length; b++) {
            int from = at + b * BLOCK;
            if (importance == null) {
                plain(x, from, row, b);
            } else {
                RowWeights.weighted(x, from, BLOCK, importance, b * BLOCK, square, weights, 0);
                System.arraycopy(x, from, block, 0, BLOCK);
                row.setUnit(b, ScaleSearch.symmetric(block, 0, BLOCK, half, weights, 0, codes));
                System.arraycopy(codes, 0, row.codes, b * BLOCK, BLOCK);
            }
        }
    }

    private void plain(float[] x, int from, BlockRow row, int b) {
        float d = ScaleSearch.signedLargest(x, from, BLOCK) / -half;
        float inverse = Rounding.inverse(d);
        row.setUnit(b, d);
        for (int i = 0; i < BLOCK; i++) {
            int code = (byte) (int) (x[from + i] * inverse + (half + 0.5f));
            row.codes[b * BLOCK + i] = (byte) Math.min(largest, code);
        }
    }
}
