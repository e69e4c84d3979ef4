package dev.halftone.format.gguf;

import static dev.halftone.format.gguf.Rounding.nearest;

import java.util.Arrays;

/**
 * LS2: scale and minimum of a run by weighted least squares on the codes of several scales; a later step rounds from the best minimum
 * so far. Float32 with sequential sums, as ggml computes it. Source: ggml-quants.c; LS2 of {@code formats/gguf.md}.
 */
final class AffineSearch {
    /**
     * Where the search begins, its step and the number of steps.
     *
     * @param absolute errors count once, not squared
     */
    record Steps(float first, float step, int count, boolean absolute) {}

    private final int largest;
    private final Steps steps;

    /** The run: its values and weights, and where they begin in both. */
    private float[] x = {};

    private float[] w = {};
    private int at;
    private int n;

    private float scale;
    private float minimum;

    /** What codes were rounded with when the best scale was found. */
    private float inverse;

    private float origin;
    private float best;

    /** @param largest code */
    AffineSearch(int largest, Steps steps) {
        this.largest = largest;
        this.steps = steps;
    }

    /** The scale of the last run. */
    float scale() {
        return scale;
    }

    /** The minimum of the last run, at most 0. */
    float minimum() {
        return minimum;
    }

    /**
     * Searches.
     *
     * @param values of a run of n, from {@code from} on; weights and codes likewise
     * @param codes receives 0 .. largest
     */
    void search(float[] values, float[] weights, int from, int length, byte[] codes) {
        x = values;
        w = weights;
        at = from;
        n = length;
        float min = x[at];
        float max = x[at];
        float sumW = w[at];
        float sumX = sumW * x[at];
        for (int i = at + 1; i < at + n; i++) {
            // Not Math.min: a negative zero must not take the place of a zero, its sign would be stored.
            min = x[i] < min ? x[i] : min;
            max = x[i] > max ? x[i] : max;
            sumW += w[i];
            sumX += w[i] * x[i];
        }
        minimum = min > 0 ? 0 : min;
        if (max <= minimum) {
            scale = 0;
            Arrays.fill(codes, at, at + n, (byte) 0);
            return;
        }
        inverse = largest / (max - minimum);
        origin = minimum;
        scale = 1 / inverse;
        best = error(inverse, minimum, scale, minimum);
        for (int step = 0; step <= steps.count(); step++) {
            improve((steps.first() + steps.step() * step + largest) / (max - minimum), sumW, sumX);
        }
        for (int i = at; i < at + n; i++) {
            codes[i] = (byte) nearest(inverse * (x[i] - origin), 0, largest);
        }
    }

    /** Takes the least-squares grid of the codes of one scale, if its error is smaller. */
    private void improve(float candidate, float sumW, float sumX) {
        float sumL = 0;
        float sumLl = 0;
        float sumXl = 0;
        for (int i = at; i < at + n; i++) {
            int l = nearest(candidate * (x[i] - minimum), 0, largest);
            float wl = w[i] * l;
            sumL += wl;
            sumLl += wl * l;
            sumXl += wl * x[i];
        }
        float determinant = sumW * sumLl - sumL * sumL;
        if (!(determinant > 0)) {
            return;
        }
        float s = (sumW * sumXl - sumX * sumL) / determinant;
        float m = (sumLl * sumX - sumL * sumXl) / determinant;
        if (m > 0) {
            m = 0;
            s = sumXl / sumLl;
        }
        float error = error(candidate, minimum, s, m);
        if (error < best) {
            best = error;
            inverse = candidate;
            origin = minimum;
            scale = s;
            minimum = m;
        }
    }

    /** The error, on the grid of s and m, of the codes that a scale's inverse gives from an origin. */
    private float error(float candidate, float from, float s, float m) {
        float error = 0;
        for (int i = at; i < at + n; i++) {
            int l = nearest(candidate * (x[i] - from), 0, largest);
            float difference = s * l + m - x[i];
            error += w[i] * (steps.absolute() ? Math.abs(difference) : difference * difference);
        }
        return error;
    }
}
