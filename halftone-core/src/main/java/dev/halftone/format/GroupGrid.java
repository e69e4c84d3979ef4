package dev.halftone.format;

import dev.halftone.kernel.Kernels;

/**
 * Fits and applies the grid of one group: the shared bottom of all integer solvers. A grid is a scale, already rounded to FP16,
 * and a zero point. All arithmetic is float32, divisions are true divisions and rounding is half to even, so that every solver
 * gives the same codes for the same values.
 */
public final class GroupGrid {
    private static final Kernels KERNELS = Kernels.best();
    private static final float SMALLEST_SCALE = Float.float16ToFloat((short) 1);
    private static final float LARGEST_SCALE = 65504f;

    private final IntGroup format;
    private final ClipSearch search;
    private float scale;
    private int zero;

    public GroupGrid(IntGroup format, ClipSearch search) {
        this.format = format;
        this.search = search;
    }

    /** Of the last fit. */
    public float scale() {
        return scale;
    }

    /** Of the last fit. */
    public int zero() {
        return zero;
    }

    /**
     * Fits the grid to {@code length} values.
     *
     * @param importance weights of the squared errors at the same offset as the column of the value; all ones where the search
     *     is not weighted
     */
    public void fit(float[] w, int at, float[] importance, int importanceAt, int length) {
        float low = 0;
        float high = 0;
        for (int i = at; i < at + length; i++) {
            low = Math.min(low, w[i]);
            high = Math.max(high, w[i]);
        }
        if (low == 0 && high == 0) {
            scale = 1;
            zero = format.symmetric() ? format.middle() : 0;
            return;
        }
        candidate(low, high, 1);
        if (search.candidates() > 1 || search.zeros()) {
            search(w, at, importance, importanceAt, length, low, high);
        }
    }

    private void search(float[] w, int at, float[] importance, int importanceAt, int length, float low, float high) {
        float bestScale = scale;
        int bestZero = zero;
        float best = Float.POSITIVE_INFINITY;
        int reach = search.zeros() && !format.symmetric() ? 1 : 0;
        for (int i = 0; i < search.candidates(); i++) {
            candidate(low, high, (float) (1 - i * search.step()));
            int centre = zero;
            // The centre first: at equal errors the plain grid wins.
            for (int shift : reach == 0 ? new int[] {0} : new int[] {0, -1, 1}) {
                int shifted = centre + shift;
                if (shifted < 0 || shifted > format.largest()) {
                    continue;
                }
                float error =
                        KERNELS.roundError(w, at, importance, importanceAt, length, scale, shifted, format.largest());
                if (error < best) {
                    best = error;
                    bestScale = scale;
                    bestZero = shifted;
                }
            }
        }
        scale = bestScale;
        zero = bestZero;
    }

    /** The grid of the range shrunk by {@code ratio}. */
    private void candidate(float low, float high, float ratio) {
        if (format.symmetric()) {
            scale = storable(Math.max(-low, high) * ratio / (format.middle() - 0.5f));
            zero = format.middle();
        } else {
            scale = storable((high - low) * ratio / format.largest());
            zero = Math.clamp((int) Math.rint(-low * ratio / scale), 0, format.largest());
        }
    }

    /** Rounded to FP16, and kept a positive finite number there. */
    private static float storable(float wanted) {
        float rounded = Float.float16ToFloat(Float.floatToFloat16(Math.min(wanted, LARGEST_SCALE)));
        return Math.max(rounded, SMALLEST_SCALE);
    }

    /** The code of a value on a grid. */
    public static int code(float w, float scale, int zero, int largest) {
        return (int) Math.clamp((float) Math.rint(w / scale) + zero, 0f, (float) largest);
    }

    /** The value of a code on a grid: what is computed when a packed weight is read. */
    public static float value(int code, float scale, int zero) {
        return (code - zero) * scale;
    }
}
