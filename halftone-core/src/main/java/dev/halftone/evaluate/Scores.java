package dev.halftone.evaluate;

import java.util.Arrays;

/**
 * What was measured at every scored position, in the order of the text. The arrays of the comparison are empty without a
 * reference.
 *
 * @param nll negative log-likelihood of the token that follows, by the model, in nats
 * @param hit 1 where the model's most probable token is the one that follows, else 0
 * @param referenceNll of the reference
 * @param referenceHit of the reference
 * @param kl sum over the vocabulary of p (ln p - ln q), p the reference's and q the model's softmax in float64
 * @param sameTop 1 where both have the same most probable token, else 0
 */
public record Scores(
        double[] nll, double[] hit, double[] referenceNll, double[] referenceHit, double[] kl, double[] sameTop) {
    static Scores empty(int positions, boolean paired) {
        int pairs = paired ? positions : 0;
        return new Scores(
                new double[positions],
                new double[positions],
                new double[pairs],
                new double[pairs],
                new double[pairs],
                new double[pairs]);
    }

    /** exp of the mean negative log-likelihood. */
    public Estimate perplexity() {
        return Estimate.mean(nll).exp();
    }

    public Estimate referencePerplexity() {
        return Estimate.mean(referenceNll).exp();
    }

    public Estimate divergence() {
        return Estimate.mean(kl);
    }

    public Estimate agreement() {
        return Estimate.mean(sameTop);
    }

    /** Mean of ln(perplexity / reference perplexity) with the error of the paired difference. */
    public Estimate logRatio() {
        return Estimate.difference(nll, referenceNll);
    }

    /** The given quantile of the divergence over positions, by the nearest rank. */
    public double klQuantile(double quantile) {
        double[] sorted = kl.clone();
        Arrays.sort(sorted);
        return sorted[(int) Math.min(sorted.length - 1L, Math.round(quantile * (sorted.length - 1)))];
    }

    /** Positions where the reference's most probable token is the one that follows and the model's is not. */
    public int flipsToWrong() {
        return flips(referenceHit, hit);
    }

    /** The other way round. */
    public int flipsToRight() {
        return flips(hit, referenceHit);
    }

    private static int flips(double[] right, double[] wrong) {
        int count = 0;
        for (int i = 0; i < right.length; i++) {
            count += right[i] == 1 && wrong[i] == 0 ? 1 : 0;
        }
        return count;
    }
}
