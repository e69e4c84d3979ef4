package dev.halftone.format.gguf;

import org.jspecify.annotations.Nullable;

/**
 * Q2_K, Q4_K and Q5_K: LS2 in every run, then scales and minima as integers, then every element again with what is stored. Without
 * importance the integers are those of the largest scale and minimum; with it they are searched (LSP).
 */
final class AffineSuperBlocks implements RowQuantizer {
    private static final int BLOCK = 256;
    private static final AffineSearch.Steps WITH_IMPORTANCE = new AffineSearch.Steps(-0.9f, 0.05f, 36, false);

    private final BlockLayout layout;
    private final AffineSearch plain;
    private final AffineSearch weighted;
    private final int run;
    private final int runs;
    private final float[] weights = new float[BLOCK];
    private final float[] sums;
    private final float[] scales;
    private final float[] minima;
    private final float[] block = new float[BLOCK];
    private final byte[] codes = new byte[BLOCK];

    AffineSuperBlocks(BlockLayout layout) {
        this.layout = layout;
        this.plain = new AffineSearch(layout.largest(), plainSteps(layout));
        this.weighted = new AffineSearch(layout.largest(), WITH_IMPORTANCE);
        this.run = layout.run();
        this.runs = layout.runs();
        this.sums = new float[runs];
        this.scales = new float[runs];
        this.minima = new float[runs];
    }

    @Override
    public void quantize(float[] x, int at, float @Nullable [] importance, BlockRow row) {
        for (int b = 0; b < row.d.length; b++) {
            System.arraycopy(x, at + b * BLOCK, block, 0, BLOCK);
            if (importance == null) {
                weigh();
            } else {
                weigh(importance, b * BLOCK);
            }
            AffineSearch search = importance == null ? plain : weighted;
            for (int r = 0; r < runs; r++) {
                search.search(block, weights, r * run, run, codes);
                scales[r] = search.scale();
                minima[r] = -search.minimum();
            }
            if (importance == null) {
                row.setUnit(b, scaled(scales, row.multipliers, b * runs));
                row.setMinimum(b, scaled(minima, row.minimumMultipliers, b * runs));
            } else {
                int most = layout.largestMultiplier();
                row.setUnit(b, ScaleSearch.positive(scales, runs, most, sums, row.multipliers, b * runs));
                row.setMinimum(b, ScaleSearch.positive(minima, runs, most, sums, row.minimumMultipliers, b * runs));
            }
            round(row, b);
        }
    }

    private static AffineSearch.Steps plainSteps(BlockLayout layout) {
        return switch (layout) {
            case Q2_K -> new AffineSearch.Steps(-0.5f, 0.1f, 15, true);
            case Q4_K -> new AffineSearch.Steps(-1f, 0.1f, 20, false);
            default -> new AffineSearch.Steps(-0.5f, 0.1f, 15, false);
        };
    }

    /** Without importance: |x|, and with 32 elements in a run their root mean square beside it. */
    private void weigh() {
        for (int r = 0; r < runs; r++) {
            float square = layout == BlockLayout.Q2_K ? 0 : RowWeights.squares(block, r * run, run) / run;
            float root = (float) Math.sqrt(square);
            for (int i = r * run; i < (r + 1) * run; i++) {
                weights[i] = root + Math.abs(block[i]);
            }
        }
    }

    private void weigh(float[] importance, int from) {
        float squares = RowWeights.squares(block, 0, BLOCK);
        float square = layout == BlockLayout.Q2_K ? squares / BLOCK : 2 * squares / BLOCK;
        RowWeights.weighted(block, 0, BLOCK, importance, from, square, weights, 0);
        for (int r = 0; r < runs; r++) {
            sums[r] = RowWeights.sum(weights, r * run, run);
        }
    }

    /** Multiples of the number that makes the largest value the largest integer. */
    private float scaled(float[] values, byte[] multiples, int at) {
        int most = layout.largestMultiplier();
        float max = 0;
        for (float value : values) {
            max = value > max ? value : max;
        }
        float inverse = max > 0 ? most / max : 0;
        for (int r = 0; r < runs; r++) {
            multiples[at + r] = (byte) Math.min(most, Rounding.nearest(inverse * values[r]));
        }
        return max / most;
    }

    private void round(BlockRow row, int b) {
        float unit = row.unit(b);
        float minimum = row.minimum(b);
        for (int r = 0; r < runs; r++) {
            float d = unit * row.multipliers[b * runs + r];
            float m = minimum * row.minimumMultipliers[b * runs + r];
            for (int i = r * run; i < (r + 1) * run; i++) {
                row.codes[b * BLOCK + i] =
                        d == 0 ? codes[i] : (byte) Rounding.nearest((block[i] + m) / d, 0, layout.largest());
            }
        }
    }
}
