package dev.halftone.format.gguf;

/** Weights of squared errors that ggml makes of importance: importance * sqrt(mean square of the surroundings + x^2). */
final class RowWeights {
    private RowWeights() {}

    /** Sum of squares, in the order of the elements. */
    static float squares(float[] x, int at, int n) {
        float sum = 0;
        for (int i = at; i < at + n; i++) {
            sum += x[i] * x[i];
        }
        return sum;
    }

    /**
     * Weights of a block.
     *
     * @param importance from {@code importanceAt} on
     * @param square what is added to x^2
     * @param w receives n weights
     */
    static void weighted(
            float[] x, int at, int n, float[] importance, int importanceAt, float square, float[] w, int wAt) {
        for (int i = 0; i < n; i++) {
            float v = x[at + i];
            w[wAt + i] = importance[importanceAt + i] * (float) Math.sqrt(square + v * v);
        }
    }

    /** x^2. */
    static void squared(float[] x, int at, int n, float[] w, int wAt) {
        for (int i = 0; i < n; i++) {
            w[wAt + i] = x[at + i] * x[at + i];
        }
    }

    /** Sum of weights, in their order. */
    static float sum(float[] w, int at, int n) {
        float sum = 0;
        for (int i = at; i < at + n; i++) {
            sum += w[i];
        }
        return sum;
    }
}
