package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import java.util.Arrays;
import java.util.List;

/**
 * An n-gram model with interpolated modified Kneser-Ney smoothing: what a text's statistics alone predict, the floor that a
 * small neural model must beat.
 *
 * <p>Source: Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling", TR-10-98, section 5 (their
 * equations for D1, D2, D3+ and gamma). Order 1 is interpolated with the uniform distribution, so every token has a
 * probability. Every text begins after start marks, which are never predicted.
 *
 * <p>p(w | h) = (c(hw) - D(c(hw))) / c(h.) + gamma(h) p(w | h'), h' being h without its first token; where h was never seen,
 * p(w | h) = p(w | h'). Immutable: several threads may use it.
 */
public final class NgramModel {
    private static final int MAX_ORDER = 16;

    private final int vocabulary;
    private final List<Discounts> discounts;
    private final NgramCounts counts;

    /** By order - 1 and the context's id: c(h.), 0 if nothing followed it. */
    private final long[][] totals;

    /** By order - 1 and the context's id: gamma(h), the share that the discounts leave to the order below. */
    private final double[][] gammas;

    /**
     * What an order takes from the counts 1, 2, and 3 or more.
     *
     * @param estimated false if the counts of counts allow no estimate (one of the first three is 0, or a discount would be
     *     negative or above its count), as happens with few n-grams; then 0.5, 1 and 1.5, which KenLM takes too
     */
    public record Discounts(double one, double two, double more, boolean estimated) {
        private static final Discounts FALLBACK = new Discounts(0.5, 1, 1.5, false);

        /** @param n how many n-grams have the count 1, 2, 3, 4, at these indices */
        static Discounts of(long[] n) {
            if (n[1] == 0 || n[2] == 0 || n[3] == 0) {
                return FALLBACK;
            }
            double y = n[1] / (n[1] + 2.0 * n[2]);
            double one = 1 - 2 * y * n[2] / n[1];
            double two = 2 - 3 * y * n[3] / n[2];
            double more = 3 - 4 * y * n[4] / n[3];
            return two < 0 || more < 0 ? FALLBACK : new Discounts(one, two, more, true);
        }

        /** What is taken from a count of at least 1. */
        double of(int count) {
            return count == 1 ? one : count == 2 ? two : more;
        }
    }

    /**
     * Bits spent on a text. The errors take tokens for independent, which they are not quite.
     *
     * @param bytes of the text as UTF-8
     * @param bitsPerByte of a text of any tokens, so models of different tokenizers may be compared
     */
    public record Score(long tokens, long bytes, Estimate bitsPerToken, Estimate bitsPerByte) {
        /** Of texts together, from what {@link NgramModel#bits} says of each. */
        public static Score of(List<double[]> texts, long bytes) {
            double[] bits = texts.stream().flatMapToDouble(Arrays::stream).toArray();
            Estimate perToken = Estimate.mean(bits);
            double tokensPerByte = (double) bits.length / bytes;
            return new Score(
                    bits.length,
                    bytes,
                    perToken,
                    new Estimate(perToken.value() * tokensPerByte, perToken.error() * tokensPerByte));
        }
    }

    private NgramModel(NgramCounts counts) {
        int order = counts.order();
        this.vocabulary = counts.vocabulary();
        this.counts = counts;
        this.totals = new long[order][];
        this.gammas = new double[order][];
        Discounts[] found = new Discounts[order];
        for (int n = 1; n <= order; n++) {
            long[] countsOfCounts = new long[6];
            for (int id = 1; id <= counts.size(n); id++) {
                countsOfCounts[Math.min(counts.count(n, id), 5)]++;
            }
            found[n - 1] = Discounts.of(countsOfCounts);
            weigh(n, found[n - 1]);
        }
        this.discounts = List.of(found);
    }

    /** gamma(h) = (D1 N1(h.) + D2 N2(h.) + D3+ N3+(h.)) / c(h.); whole numbers first, so the order of the texts cannot matter. */
    private void weigh(int n, Discounts discount) {
        int contexts = n == 1 ? 1 : counts.size(n - 1) + 1;
        long[] total = new long[contexts];
        int[] ones = new int[contexts];
        int[] twos = new int[contexts];
        int[] more = new int[contexts];
        int[] context = counts.table(n).contexts();
        for (int id = 1; id < context.length; id++) {
            int count = counts.count(n, id);
            total[context[id]] += count;
            int[] which = count == 1 ? ones : count == 2 ? twos : more;
            which[context[id]]++;
        }
        double[] gamma = new double[contexts];
        for (int c = 0; c < contexts; c++) {
            double left = discount.one() * ones[c] + discount.two() * twos[c] + discount.more() * more[c];
            gamma[c] = total[c] == 0 ? 1 : left / total[c];
        }
        totals[n - 1] = total;
        gammas[n - 1] = gamma;
    }

    /**
     * For commands, before they read long texts.
     *
     * @throws InputException HT-630 if the order is not 1 to 16
     */
    public static void checkOrder(int order) {
        if (order < 1 || order > MAX_ORDER) {
            throw new InputException("HT-630", "order", "is " + order + "; expected 1 to " + MAX_ORDER, "");
        }
    }

    /**
     * The model of these texts. Their order does not matter.
     *
     * @param texts token ids, 0 .. vocabulary - 1
     * @throws InputException HT-630 if the order is not 1 to 16, HT-631 if there are 2^31 tokens or more, or
     *     2/3 2^30 different n-grams of one order
     */
    public static NgramModel train(Iterable<int[]> texts, int vocabulary, int order) {
        NgramCounts counts = new NgramCounts(vocabulary, order);
        texts.forEach(counts::add);
        return new NgramModel(counts);
    }

    /** The highest order. */
    public int order() {
        return counts.order();
    }

    /** Tokens that it was trained on. */
    public long tokens() {
        return counts.tokens();
    }

    /** How many different n-grams of order {@code n} it knows. */
    public int ngrams(int n) {
        return counts.size(n);
    }

    /** What is taken from the counts, of orders 1 to {@link #order}. */
    public List<Discounts> discounts() {
        return discounts;
    }

    /** -log2 p of every token of a text after all that stand before it. */
    public double[] bits(int[] text) {
        double[] result = new double[text.length];
        int[] context = new int[order()];
        for (int i = 0; i < text.length; i++) {
            result[i] = -Math.log(probability(context, text[i])) / Math.log(2);
            advance(context, text[i]);
        }
        return result;
    }

    /** The probability of every token as the one after {@code text}; they add up to 1. */
    public double[] distribution(int[] text) {
        int[] context = new int[order()];
        for (int token : text) {
            advance(context, token);
        }
        double[] result = new double[vocabulary];
        Arrays.setAll(result, token -> probability(context, token));
        return result;
    }

    /** @param context by length: the ids of what stands before the token, -1 where it was never seen */
    private double probability(int[] context, int token) {
        double p = 1.0 / vocabulary;
        for (int n = 1; n <= order(); n++) {
            int c = context[n - 1];
            if (c < 0 || totals[n - 1][c] == 0) {
                return p; // what begins with an unseen context is unseen too
            }
            int id = counts.table(n).find(c, token);
            int count = id < 0 ? 0 : counts.count(n, id);
            double own = count == 0 ? 0 : (count - discounts.get(n - 1).of(count)) / totals[n - 1][c];
            p = own + gammas[n - 1][c] * p;
        }
        return p;
    }

    private void advance(int[] context, int token) {
        // From the longest: each needs the context that is one shorter as it was before the token.
        for (int n = order() - 1; n >= 1; n--) {
            context[n] = context[n - 1] < 0 ? -1 : counts.table(n).find(context[n - 1], token);
        }
    }
}
