package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import java.util.Arrays;

/**
 * Counts the n-grams of texts, orders 1 to N, in one pass.
 *
 * <p>N - 1 start marks stand before every text. Start marks alone are id 0 of their order, and so is the empty context; an
 * n-gram's context is the id of the n-gram without its last token, one order lower. So a key has one width for any
 * vocabulary and order.
 *
 * <p>Counts are Kneser and Ney's: how often an n-gram of order N occurs; below N, in how many different tokens' (or the start
 * mark's) wake it occurs, which is how many n-grams one order longer end with it.
 */
final class NgramCounts {
    private final int vocabulary;
    private final NgramTable[] tables;
    private final int[][] counts;
    private long tokens;

    /**
     * @param vocabulary tokens are 0 .. vocabulary - 1
     * @throws InputException HT-630 if the order is not 1 to 16
     */
    NgramCounts(int vocabulary, int order) {
        NgramModel.checkOrder(order);
        if (vocabulary < 1) {
            throw new IllegalArgumentException("vocabulary: " + vocabulary);
        }
        this.vocabulary = vocabulary;
        this.tables = new NgramTable[order];
        Arrays.setAll(tables, _ -> new NgramTable());
        this.counts = new int[order][1024];
    }

    int vocabulary() {
        return vocabulary;
    }

    int order() {
        return tables.length;
    }

    /** Tokens of all texts. */
    long tokens() {
        return tokens;
    }

    /** The n-grams of order {@code n}. */
    NgramTable table(int n) {
        return tables[n - 1];
    }

    /** How many different n-grams there are of order {@code n}. */
    int size(int n) {
        return tables[n - 1].size();
    }

    /** The count of the n-gram with this id. */
    int count(int n, int id) {
        return counts[n - 1][id];
    }

    /**
     * Counts a text.
     *
     * @throws InputException HT-631 if all texts together have 2^31 tokens or more
     */
    void add(int[] text) {
        tokens += text.length;
        if (tokens > Integer.MAX_VALUE) {
            throw new InputException(
                    "HT-631", "texts", "have more than " + Integer.MAX_VALUE + " tokens", "train on fewer texts");
        }
        int order = order();
        int[] context = new int[order]; // by length: the ids of what stands before the token
        int[] next = new int[order];
        for (int token : text) {
            if (token < 0 || token >= vocabulary) {
                throw new IllegalArgumentException("token " + token + " of " + vocabulary);
            }
            int suffix = 0;
            for (int n = 1; n <= order; n++) {
                int before = size(n);
                int id = tables[n - 1].findOrAdd(context[n - 1], token);
                if (n > 1 && size(n) > before) {
                    increment(n - 1, suffix);
                }
                if (n < order) {
                    next[n] = id;
                }
                suffix = id;
            }
            increment(order, suffix);
            System.arraycopy(next, 1, context, 1, order - 1);
        }
    }

    private void increment(int n, int id) {
        int[] array = counts[n - 1];
        if (id >= array.length) {
            array = Arrays.copyOf(array, Math.max(id + 1, (int) Math.min(2L * array.length, Integer.MAX_VALUE - 8)));
            counts[n - 1] = array;
        }
        array[id]++;
    }
}
