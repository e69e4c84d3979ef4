package dev.halftone.study.analysis;

import java.util.Arrays;

/** Mean and variance of a few numbers. */
final class Moments {
    private Moments() {}

    static double mean(double[] values) {
        return Arrays.stream(values).sum() / values.length;
    }

    /** Over n - 1 degrees of freedom; 0 for a single number. */
    static double variance(double[] values) {
        if (values.length < 2) {
            return 0;
        }
        double mean = mean(values);
        double squares = 0;
        for (double value : values) {
            squares += (value - mean) * (value - mean);
        }
        return squares / (values.length - 1);
    }
}
