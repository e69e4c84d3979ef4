package dev.halftone.format.gguf;

import org.jspecify.annotations.Nullable;

/** Q4_1 and Q5_1. Without importance: the block's range; with it LS2, weighted by the row's mean square. */
final class AffineBlocks implements RowQuantizer {
    private static final int BLOCK = 32;
    private static final AffineSearch.Steps STEPS = new AffineSearch.Steps(-0.9f, 0.05f, 36, false);

    private final int largest;
    private final AffineSearch search;
    private final float[] weights = new float[BLOCK];
    private final byte[] codes = new byte[BLOCK];
    private final float[] block = new float[BLOCK];

    AffineBlocks(BlockLayout layout) {
        this.largest = layout.largest();
        this.search = new AffineSearch(largest, STEPS);
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
                search.search(block, weights, 0, BLOCK, codes);
                row.setUnit(b, search.scale());
                row.setMinimum(b, search.minimum());
                System.arraycopy(codes, 0, row.codes, b * BLOCK, BLOCK);
            }
        }
    }

    private void plain(float[] x, int from, BlockRow row, int b) {
        float min = Float.MAX_VALUE;
        float max = -Float.MAX_VALUE;
        for (int i = from; i < from + BLOCK; i++) {
            min = x[i] < min ? x[i] : min;
            max = x[i] > max ? x[i] : max;
        }
        float d = (max - min) / largest;
        float inverse = Rounding.inverse(d);
        row.setUnit(b, d);
        row.setMinimum(b, min);
        for (int i = 0; i < BLOCK; i++) {
            row.codes[b * BLOCK + i] = (byte) Math.min(largest, (int) ((x[from + i] - min) * inverse + 0.5f));
        }
    }
}
