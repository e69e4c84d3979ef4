package dev.halftone.evaluate;

/**
 * A mean and its standard error, sd / sqrt(n) with the sd over n - 1 degrees of freedom, which is llama.cpp's
 * sqrt(variance / (n - 1)); 0 for a single observation.
 */
public record Estimate(double value, double error) {
    /** Of independent observations. */
    public static Estimate mean(double[] observations) {
        double sum = 0;
        for (double x : observations) {
            sum += x;
        }
        double mean = sum / observations.length;
        double squares = 0;
        for (double x : observations) {
            squares += (x - mean) * (x - mean);
        }
        int n = observations.length;
        return new Estimate(mean, n < 2 ? 0 : Math.sqrt(squares / (n - 1) / n));
    }

    /** Mean of a - b over the same positions, with the error of the paired difference. */
    public static Estimate difference(double[] a, double[] b) {
        double[] difference = new double[a.length];
        for (int i = 0; i < a.length; i++) {
            difference[i] = a[i] - b[i];
        }
        return mean(difference);
    }

    /** exp of a mean, the error carried along to first order. */
    public Estimate exp() {
        double e = Math.exp(value);
        return new Estimate(e, e * error);
    }
}
