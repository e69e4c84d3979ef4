package dev.halftone.study.analysis;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Errors of means over evaluation units, windows of a text or items of a task, by drawing the units with replacement. Every
 * quantity of one evaluation sees the same resamples: what is compared is paired.
 *
 * <p>Source: arXiv:2405.20835's question, with block = window for text, since tokens of a window are not independent. The resamples
 * are seeded: equal data give equal errors.
 */
final class Bootstrap {
    static final int RESAMPLES = 1000;

    private final int[][] resamples;
    private final double[] weights;

    /** @param weights of the units: scored positions of each window, or 1 */
    Bootstrap(double[] weights) {
        this.weights = weights.clone();
        int n = weights.length;
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(n);
        this.resamples = new int[RESAMPLES][n];
        for (int[] resample : resamples) {
            for (int i = 0; i < n; i++) {
                resample[i] = random.nextInt(n);
            }
        }
    }

    /** Weighted mean over the units. */
    double mean(double[] values) {
        double sum = 0;
        double weight = 0;
        for (int i = 0; i < values.length; i++) {
            sum += weights[i] * values[i];
            weight += weights[i];
        }
        return sum / weight;
    }

    /** Standard deviation of the weighted mean over the resamples. */
    double error(double[] values) {
        double[] means = new double[RESAMPLES];
        for (int r = 0; r < RESAMPLES; r++) {
            double sum = 0;
            double weight = 0;
            for (int i : resamples[r]) {
                sum += weights[i] * values[i];
                weight += weights[i];
            }
            means[r] = sum / weight;
        }
        return Math.sqrt(Moments.variance(means));
    }
}
