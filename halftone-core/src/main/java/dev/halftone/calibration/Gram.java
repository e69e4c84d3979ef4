package dev.halftone.calibration;

import org.jspecify.annotations.Nullable;

/**
 * Second moments of a linear's inputs.
 *
 * @param h H = sum over tokens of x x^T / tokens, (size, size) row-major, symmetric, float64
 * @param tokens number of tokens that were summed
 * @param sample some of the inputs themselves; null where no method looks at single tokens
 */
public record Gram(
        int size, long tokens, double[] h, @Nullable TokenSample sample) {
    public Gram {
        if (h.length != size * size) {
            throw new IllegalArgumentException("h has " + h.length + " entries for size " + size);
        }
    }

    /** Second moments alone. */
    public Gram(int size, long tokens, double[] h) {
        this(size, tokens, h, null);
    }

    /** The same with some of the inputs. */
    public Gram withSample(TokenSample some) {
        return new Gram(size, tokens, h, some);
    }

    /** diag(H): the mean square of each input, the usual importance of a column. */
    public double[] diagonal() {
        double[] diagonal = new double[size];
        for (int i = 0; i < size; i++) {
            diagonal[i] = h[i * size + i];
        }
        return diagonal;
    }

    /** The second moments of x / s. */
    public Gram dividedBy(double[] s) {
        double[] scaled = new double[h.length];
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                scaled[i * size + j] = h[i * size + j] / (s[i] * s[j]);
            }
        }
        return new Gram(size, tokens, scaled, sample == null ? null : sample.dividedBy(s));
    }

    /** With that share of its own mean square added to each input's: as if each had noise of that size of its own. */
    public Gram ridged(double share) {
        double[] ridged = h.clone();
        for (int i = 0; i < size; i++) {
            ridged[i * size + i] *= 1 + share;
        }
        return new Gram(size, tokens, ridged);
    }

    /** Sum of the mean squares. */
    public double trace() {
        double sum = 0;
        for (double square : diagonal()) {
            sum += square;
        }
        return sum;
    }
}
