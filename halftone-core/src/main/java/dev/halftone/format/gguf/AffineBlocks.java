package dev.halftone.format.gguf;

import dev.halftone.format.gguf.ScaleSearch.Affine;
import dev.halftone.format.gguf.ScaleSearch.AffineSteps;
import org.jspecify.annotations.Nullable;

/** Q4_1 and Q5_1. Without importance: the block's range; with it LS2, weighted by the row's mean square. */
final class AffineBlocks implements RowQuantizer {
    private static final int BLOCK = 32;
    private static final AffineSteps STEPS = new AffineSteps(-0.9f, 0.05f, 36, false);

    private final int largest;
    private final float[] weights = new float[BLOCK];
    private final byte[] codes = new byte[BLOCK];
    private final float[] block = new float[BLOCK];

    AffineBlocks(BlockLayout layout) {
        this.largest = layout.largest();
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
                Affine found = ScaleSearch.affine(block, 0, BLOCK, largest, weights, 0, STEPS, codes);
                row.setUnit(b, found.scale());
                row.setMinimum(b, found.minimum());
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
