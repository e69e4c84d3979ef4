package dev.halftone.calibration;

import java.util.Arrays;
import java.util.List;

/**
 * How often each token id occurs.
 *
 * @param counts by id; ids from its length on do not occur
 */
public record TokenHistogram(long[] counts) {
    /** Of all sequences together. */
    public static TokenHistogram of(List<int[]> sequences) {
        int size = 1 + sequences.stream().flatMapToInt(Arrays::stream).max().orElse(-1);
        long[] counts = new long[size];
        for (int[] sequence : sequences) {
            for (int id : sequence) {
                counts[id]++;
            }
        }
        return new TokenHistogram(counts);
    }

    /** Number of tokens. */
    public long tokens() {
        return Arrays.stream(counts).sum();
    }

    /** Number of different tokens. */
    public int distinct() {
        return Math.toIntExact(Arrays.stream(counts).filter(count -> count > 0).count());
    }

    /** Entropy of the frequencies in bits; at most log2 of {@link #distinct}. */
    public double entropyBits() {
        double tokens = tokens();
        double nats = 0;
        for (long count : counts) {
            if (count > 0) {
                nats -= count / tokens * StrictMath.log(count / tokens);
            }
        }
        return nats / StrictMath.log(2);
    }

    /**
     * KL(evaluation || calibration) in nats, both smoothed by adding one to every count: how far the tokens that a model is judged
     * on are from those that it was calibrated on.
     *
     * @param vocabulary number of ids
     */
    public static double divergence(TokenHistogram evaluation, TokenHistogram calibration, int vocabulary) {
        if (evaluation.counts.length > vocabulary || calibration.counts.length > vocabulary) {
            throw new IllegalArgumentException("ids beyond a vocabulary of " + vocabulary);
        }
        double evaluated = (double) evaluation.tokens() + vocabulary;
        double calibrated = (double) calibration.tokens() + vocabulary;
        double sum = 0;
        for (int id = 0; id < vocabulary; id++) {
            double p = (evaluation.count(id) + 1) / evaluated;
            double q = (calibration.count(id) + 1) / calibrated;
            sum += p * StrictMath.log(p / q);
        }
        return sum;
    }

    private long count(int id) {
        return id < counts.length ? counts[id] : 0;
    }
}
