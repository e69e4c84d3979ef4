package dev.halftone.format;

/**
 * The values that share a grid: {@code rows} runs of {@code length} values.
 *
 * @param at of the first value
 * @param stride from one run to the next
 */
public record GroupValues(float[] w, int at, int stride, int rows, int length) {
    /** One run. */
    public static GroupValues run(float[] w, int at, int length) {
        return new GroupValues(w, at, length, 1, length);
    }

    int row(int r) {
        return at + r * stride;
    }

    /** The largest magnitude. */
    float magnitude() {
        float most = 0;
        for (int r = 0; r < rows; r++) {
            for (int i = row(r); i < row(r) + length; i++) {
                most = Math.max(most, Math.abs(w[i]));
            }
        }
        return most;
    }
}
