package dev.halftone.evaluate;

/**
 * Two models on the same items. Accuracy alone hides that right answers became wrong ones and the other way round.
 *
 * @param flipsToWrong items that only the reference answers rightly
 * @param flipsToRight items that only the model answers rightly
 * @param difference the model's accuracy minus the reference's, with the standard error of the paired difference
 */
public record PairedAccuracy(int flipsToWrong, int flipsToRight, Estimate difference) {
    /** Of answers to the same items, 1 for right and 0 for wrong. */
    public static PairedAccuracy of(double[] model, double[] reference) {
        double[] difference = new double[model.length];
        int toWrong = 0;
        int toRight = 0;
        for (int i = 0; i < model.length; i++) {
            difference[i] = model[i] - reference[i];
            toWrong += difference[i] < 0 ? 1 : 0;
            toRight += difference[i] > 0 ? 1 : 0;
        }
        return new PairedAccuracy(toWrong, toRight, Estimate.mean(difference));
    }

    /**
     * McNemar's exact two-sided test: the probability of flips at least as one-sided as these if both directions were equally
     * likely, 2 P(X &lt;= min) with X binomial(flips, 1/2), at most 1.
     */
    public double mcnemarP() {
        int n = flipsToWrong + flipsToRight;
        double logTerm = -n * Math.log(2);
        double sum = Math.exp(logTerm);
        for (int k = 1; k <= Math.min(flipsToWrong, flipsToRight); k++) {
            logTerm += Math.log((double) (n - k + 1) / k);
            sum += Math.exp(logTerm);
        }
        return Math.min(1, 2 * sum);
    }
}
