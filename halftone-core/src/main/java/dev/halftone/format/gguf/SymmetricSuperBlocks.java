package dev.halftone.format.gguf;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Q3_K and Q6_K: a symmetric search in every run of 16, then scales as signed integers, then every element again with what is
 * stored. Q3_K with importance searches the integers too (LS1); otherwise they are those of the scale of largest magnitude.
 */
final class SymmetricSuperBlocks implements RowQuantizer {
    private static final int BLOCK = 256;
    private static final int RUN = 16;
    private static final int RUNS = BLOCK / RUN;

    private final BlockLayout layout;
    private final int half;
    private final float[] weights = new float[BLOCK];
    private final float[] sums = new float[RUNS];
    private final float[] scales = new float[RUNS];
    private final float[] block = new float[BLOCK];
    private final byte[] codes = new byte[BLOCK];
    private final byte[] multiples = new byte[RUNS];

    SymmetricSuperBlocks(BlockLayout layout) {
        this.layout = layout;
        this.half = (layout.largest() + 1) / 2;
    }

    @Override
    public void quantize(float[] x, int at, float @Nullable [] importance, BlockRow row) {
        for (int b = 0; b < row.d.length; b++) {
            System.arraycopy(x, at + b * BLOCK, block, 0, BLOCK);
            boolean three = layout == BlockLayout.Q3_K;
            weigh(importance, b * BLOCK);
            for (int r = 0; r < RUNS; r++) {
                scales[r] = three && importance == null
                        ? ScaleSearch.swept(
                                block, r * RUN, RUN, half, Arrays.copyOfRange(weights, r * RUN, (r + 1) * RUN), codes)
                        : ScaleSearch.symmetric(block, r * RUN, RUN, half, weights, r * RUN, codes);
            }
            if (three && importance != null) {
                searched(row, b);
            } else if (!scaled(row, b)) {
                continue;
            }
            round(row, b);
        }
    }

    private void weigh(float @Nullable [] importance, int from) {
        if (importance == null) {
            RowWeights.squared(block, 0, BLOCK, weights, 0);
        } else if (layout == BlockLayout.Q6_K) {
            System.arraycopy(importance, from, weights, 0, BLOCK);
        } else {
            float square = 2 * RowWeights.squares(block, 0, BLOCK) / BLOCK;
            RowWeights.weighted(block, 0, BLOCK, importance, from, square, weights, 0);
            for (int r = 0; r < RUNS; r++) {
                sums[r] = RowWeights.sum(weights, r * RUN, RUN);
            }
        }
    }

    private void searched(BlockRow row, int b) {
        int end = -layout.leastMultiplier();
        row.setUnit(b, ScaleSearch.symmetric(scales, 0, RUNS, end, sums, 0, multiples));
        for (int r = 0; r < RUNS; r++) {
            row.multipliers[b * RUNS + r] = (byte) (multiples[r] - end);
        }
    }

    /** Multiples of the number that makes the scale of largest magnitude the least integer; false if the block is all zeros. */
    private boolean scaled(BlockRow row, int b) {
        float max = ScaleSearch.signedLargest(scales, 0, RUNS);
        if (layout == BlockLayout.Q6_K ? ScaleSearch.isZero(max) : max == 0) {
            row.setUnit(b, 0);
            boolean three = layout == BlockLayout.Q3_K;
            // What ggml leaves in a block of zeros: Q6_K's bytes are all 0; Q3_K keeps codes, and scales of 0 bits are
            // -32.
            Arrays.fill(row.multipliers, b * RUNS, (b + 1) * RUNS, (byte) (three ? layout.leastMultiplier() : 0));
            for (int i = 0; i < BLOCK; i++) {
                row.codes[b * BLOCK + i] = three ? codes[i] : 0;
            }
            return false;
        }
        float inverse = layout.leastMultiplier() / max;
        row.setUnit(b, 1 / inverse);
        for (int r = 0; r < RUNS; r++) {
            row.multipliers[b * RUNS + r] =
                    (byte) Rounding.nearest(inverse * scales[r], layout.leastMultiplier(), layout.largestMultiplier());
        }
        return true;
    }

    private void round(BlockRow row, int b) {
        float unit = row.unit(b);
        for (int r = 0; r < RUNS; r++) {
            float d = unit * row.multipliers[b * RUNS + r];
            for (int i = r * RUN; i < (r + 1) * RUN; i++) {
                row.codes[b * BLOCK + i] =
                        d == 0 ? codes[i] : (byte) (half + Rounding.nearest(block[i] / d, -half, half - 1));
            }
        }
    }
}
