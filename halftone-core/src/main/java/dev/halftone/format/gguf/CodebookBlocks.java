package dev.halftone.format.gguf;

import org.jspecify.annotations.Nullable;

/**
 * IQ4_NL: 16 levels that lie denser near zero. Of 15 scales around the ones that put the largest element on an end of the levels,
 * the one whose least-squares refinement has the smallest error; codes are computed with that scale before it is stored.
 */
final class CodebookBlocks implements RowQuantizer {
    private static final int BLOCK = 32;
    private static final int TRIES = 7;
    private static final BlockLayout LAYOUT = BlockLayout.IQ4_NL;

    private final float[] weights = new float[BLOCK];

    /** Sums of w q x and w q q of the last candidate. */
    private float qx;

    private float qq;

    @Override
    public void quantize(float[] x, int at, float @Nullable [] importance, BlockRow row) {
        for (int b = 0; b < row.d.length; b++) {
            int from = at + b * BLOCK;
            if (importance == null) {
                RowWeights.squared(x, from, BLOCK, weights, 0);
            } else {
                float square = RowWeights.squares(x, from, BLOCK) * (2f / BLOCK);
                RowWeights.weighted(x, from, BLOCK, importance, b * BLOCK, square, weights, 0);
            }
            float d = scale(x, from);
            row.setUnit(b, d);
            float inverse = Rounding.inverse(d);
            for (int i = 0; i < BLOCK; i++) {
                row.codes[b * BLOCK + i] = (byte) nearest(inverse * x[from + i]);
            }
        }
    }

    private float scale(float[] x, int from) {
        float max = ScaleSearch.signedLargest(x, from, BLOCK);
        if (ScaleSearch.isZero(max)) {
            return 0;
        }
        float end = LAYOUT.level(0);
        sums(x, from, 1 / (-max / end));
        float d = qq > 0 ? qx / qq : 0;
        float best = d * qx;
        for (int step = -TRIES; step <= TRIES; step++) {
            sums(x, from, (step + end) / max);
            if (qq > 0 && qx * qx > best * qq) {
                d = qx / qq;
                best = d * qx;
            }
        }
        return d;
    }

    private void sums(float[] x, int from, float inverse) {
        qx = 0;
        qq = 0;
        for (int i = 0; i < BLOCK; i++) {
            float q = LAYOUT.level(nearest(inverse * x[from + i]));
            float wq = weights[i] * q;
            qx += wq * x[from + i];
            qq += wq * q;
        }
    }

    /** The nearest level; of two that are equally near the upper one. */
    private static int nearest(float x) {
        int upper = 1;
        int last = LAYOUT.largest();
        if (x <= LAYOUT.level(0)) {
            return 0;
        }
        if (x >= LAYOUT.level(last)) {
            return last;
        }
        while (x >= LAYOUT.level(upper)) {
            upper++;
        }
        return x - LAYOUT.level(upper - 1) < LAYOUT.level(upper) - x ? upper - 1 : upper;
    }
}
