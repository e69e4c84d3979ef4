package dev.halftone.discrete;

import dev.halftone.error.InputException;

/**
 * The values that a variable can take, S: code c stands for the value at index c.
 *
 * @param values at least one, finite, rising
 */
public record LevelSet(double[] values) {
    public LevelSet {
        if (values.length == 0) {
            throw new InputException("HT-760", "levels", "a variable has no values", "give each at least one");
        }
        for (int c = 0; c < values.length; c++) {
            if (!Double.isFinite(values[c]) || (c > 0 && values[c] <= values[c - 1])) {
                throw new InputException(
                        "HT-760",
                        "levels",
                        "value %d is %s; expected finite values in rising order".formatted(c, values[c]),
                        "sort the values, each once");
            }
        }
        values = values.clone();
    }

    /** {@code count} values, {@code step} apart, from {@code first} on. */
    public static LevelSet even(double first, double step, int count) {
        double[] values = new double[Math.max(0, count)];
        for (int c = 0; c < values.length; c++) {
            values[c] = first + c * step;
        }
        return new LevelSet(values);
    }

    /** How many values there are, q. */
    public int size() {
        return values.length;
    }

    /** The value that a code stands for. */
    public double value(int code) {
        return values[code];
    }

    /** The code of the value next to x; halfway the lower one. */
    public int nearest(double x) {
        int best = 0;
        for (int c = 1; c < values.length; c++) {
            if (Math.abs(values[c] - x) < Math.abs(values[best] - x)) {
                best = c;
            }
        }
        return best;
    }
}
