package dev.halftone.format.gguf;

import static dev.halftone.format.gguf.Rounding.nearest;

import java.util.Arrays;

/**
 * The searches that ggml's quantizers share. Everything is float32 with sequential sums and products from left to right, so that
 * bytes are those of a build without contraction to fused operations.
 *
 * <p>Source: ggml-quants.c; LS1 and LSP of {@code formats/gguf.md}.
 */
final class ScaleSearch {
    /** Groups that are smaller everywhere count as zeros. */
    private static final float ZERO = 1e-15f;

    private static final int SYMMETRIC_STEPS = 9;
    private static final int POSITIVE_STEPS = 4;
    private static final int SWEEPS = 5;

    private ScaleSearch() {}

    /** The element of largest magnitude, with its sign; of equals the first. */
    static float signedLargest(float[] x, int at, int n) {
        float largest = 0;
        float magnitude = 0;
        for (int i = at; i < at + n; i++) {
            float a = Math.abs(x[i]);
            if (a > magnitude) {
                magnitude = a;
                largest = x[i];
            }
        }
        return largest;
    }

    static boolean isZero(float largest) {
        return Math.abs(largest) < ZERO;
    }

    /**
     * LS1: of 19 scales around the one that puts the largest element at -N, the one whose least-squares refinement has the smallest
     * error.
     *
     * @param w weights of squared errors, from {@code wAt} on
     * @param codes receives l + N at the elements' places
     * @return scale
     */
    static float symmetric(float[] x, int at, int n, int largest, float[] w, int wAt, byte[] codes) {
        float max = signedLargest(x, at, n);
        if (isZero(max)) {
            Arrays.fill(codes, at, at + n, (byte) 0);
            return 0;
        }
        float chosen = -largest / max;
        Sums plain = sums(x, at, n, largest, w, wAt, chosen);
        float scale = plain.ll == 0 ? 0 : plain.xl / plain.ll;
        float best = scale * plain.xl;
        for (int step = -SYMMETRIC_STEPS; step <= SYMMETRIC_STEPS; step++) {
            if (step == 0) {
                continue;
            }
            float inverse = -(largest + 0.1f * step) / max;
            Sums sums = sums(x, at, n, largest, w, wAt, inverse);
            if (sums.ll > 0 && sums.xl * sums.xl > best * sums.ll) {
                chosen = inverse;
                scale = sums.xl / sums.ll;
                best = scale * sums.xl;
            }
        }
        for (int i = at; i < at + n; i++) {
            codes[i] = (byte) (largest + nearest(chosen * x[i], -largest, largest - 1));
        }
        return scale;
    }

    /** Of the codes that a scale's inverse gives. */
    private static Sums sums(float[] x, int at, int n, int largest, float[] w, int wAt, float inverse) {
        float xl = 0;
        float ll = 0;
        for (int i = 0; i < n; i++) {
            int l = nearest(inverse * x[at + i], -largest, largest - 1);
            float weight = w[wAt + i];
            xl += weight * x[at + i] * l;
            ll += weight * l * l;
        }
        return new Sums(xl, ll);
    }

    /**
     * LSP: scales of runs, none negative, as multiples of one number.
     *
     * @param codes receives 0 .. largest from {@code codesAt} on
     * @return the number
     */
    static float positive(float[] x, int n, int largest, float[] w, byte[] codes, int codesAt) {
        float max = 0;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, x[i]);
        }
        if (max < ZERO) {
            Arrays.fill(codes, codesAt, codesAt + n, (byte) 0);
            return 0;
        }
        float chosen = largest / max;
        float best = positiveError(x, n, largest, w, chosen);
        for (int step = -POSITIVE_STEPS; step <= POSITIVE_STEPS; step++) {
            float inverse = (0.1f * step + largest) / max;
            float error = step == 0 ? best : positiveError(x, n, largest, w, inverse);
            if (error < best) {
                best = error;
                chosen = inverse;
            }
        }
        float xl = 0;
        float ll = 0;
        for (int i = 0; i < n; i++) {
            int l = Math.min(largest, nearest(chosen * x[i]));
            codes[codesAt + i] = (byte) l;
            xl += w[i] * x[i] * l;
            ll += w[i] * l * l;
        }
        Sums sums = new Sums(xl, ll);
        for (int sweep = 0; sweep < SWEEPS; sweep++) {
            if (!sums.sweep(x, 0, n, w, codes, codesAt, Integer.MIN_VALUE, largest)) {
                break;
            }
        }
        return sums.scale();
    }

    private static float positiveError(float[] x, int n, int largest, float[] w, float inverse) {
        float scale = 1 / inverse;
        float error = 0;
        for (int i = 0; i < n; i++) {
            float difference = x[i] - scale * Math.min(largest, nearest(inverse * x[i]));
            error += w[i] * difference * difference;
        }
        return error;
    }

    /**
     * The scale of a signed run by coordinate sweeps alone: Q3_K without importance.
     *
     * @param w squares of the elements, from 0 on
     * @param codes receives l + N at the elements' places
     */
    static float swept(float[] x, int at, int n, int largest, float[] w, byte[] codes) {
        float max = signedLargest(x, at, n);
        if (isZero(max)) {
            Arrays.fill(codes, at, at + n, (byte) 0);
            return 0;
        }
        float inverse = -largest / max;
        float xl = 0;
        float ll = 0;
        for (int i = 0; i < n; i++) {
            int l = nearest(inverse * x[at + i], -largest, largest - 1);
            codes[at + i] = (byte) l;
            xl += w[i] * x[at + i] * l;
            ll += w[i] * l * l;
        }
        Sums sums = new Sums(xl, ll);
        for (int sweep = 0; sweep < SWEEPS; sweep++) {
            if (!sums.sweep(x, at, n, w, codes, at, -largest, largest - 1)) {
                break;
            }
        }
        for (int i = at; i < at + n; i++) {
            codes[i] += (byte) largest;
        }
        return sums.scale();
    }

    /** Sums of w x l and w l l, whose quotient is the best scale of the codes l. */
    private static final class Sums {
        private float xl;
        private float ll;

        Sums(float xl, float ll) {
            this.xl = xl;
            this.ll = ll;
        }

        float scale() {
            return ll > 0 ? xl / ll : 0;
        }

        /** Gives each element the code that suits the scale of the others, if the error falls; false if nothing changed. */
        boolean sweep(float[] x, int at, int n, float[] w, byte[] codes, int codesAt, int least, int largest) {
            boolean changed = false;
            for (int i = 0; i < n; i++) {
                int l = codes[codesAt + i];
                float wx = w[i] * x[at + i];
                float otherXl = xl - wx * l;
                float otherLl = ll - w[i] * l * l;
                if (!(otherXl > 0) || (least == Integer.MIN_VALUE && !(otherLl > 0))) {
                    continue;
                }
                int fresh = Math.max(least, Math.min(largest, nearest(x[at + i] * otherLl / otherXl)));
                if (fresh == l) {
                    continue;
                }
                otherXl += wx * fresh;
                otherLl += w[i] * fresh * fresh;
                if (otherLl > 0 && otherXl * otherXl * ll > xl * xl * otherLl) {
                    codes[codesAt + i] = (byte) fresh;
                    xl = otherXl;
                    ll = otherLl;
                    changed = true;
                }
            }
            return changed;
        }
    }
}
