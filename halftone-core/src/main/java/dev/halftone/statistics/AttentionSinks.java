package dev.halftone.statistics;

import dev.halftone.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * How much attention the first keys of a sequence get in one block: alpha_s of a head is the mean probability that queries from
 * position {@link #FIRST_QUERY} on give to key s. A head has a sink where alpha_0 is at least {@link #SINK}.
 *
 * <p>Source: Gu et al., arXiv:2410.10781 (the threshold).
 *
 * @param queries number of queries that were summed, per head
 * @param sums [head][key]: sum of probabilities
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record AttentionSinks(long queries, double[][] sums) {
    public static final int FIRST_QUERY = 8;
    /** Keys that are looked at; all queries see them. */
    public static final int KEYS = 8;

    public static final double SINK = 0.3;

    static AttentionSinks empty(int heads) {
        return new AttentionSinks(0, new double[heads][KEYS]);
    }

    /** Of one sequence: probabilities (heads, queries, keys). */
    static AttentionSinks of(Tensor probabilities) {
        int heads = Math.toIntExact(probabilities.size(0));
        long tokens = probabilities.size(1);
        if (tokens <= FIRST_QUERY) {
            return empty(heads);
        }
        Tensor early = Tensors.slice(Tensors.slice(probabilities, 1, FIRST_QUERY, tokens), 2, 0, KEYS);
        double[] flat = Tensors.doubles(early.to(ScalarType.Double).sum(1));
        return new AttentionSinks(tokens - FIRST_QUERY, rows(flat, heads));
    }

    private static double[][] rows(double[] flat, int heads) {
        double[][] sums = new double[heads][];
        Arrays.setAll(sums, h -> Arrays.copyOfRange(flat, h * KEYS, (h + 1) * KEYS));
        return sums;
    }

    AttentionSinks merged(AttentionSinks other) {
        double[][] both = new double[sums.length][KEYS];
        for (int h = 0; h < both.length; h++) {
            for (int s = 0; s < KEYS; s++) {
                both[h][s] = sums[h][s] + other.sums[h][s];
            }
        }
        return new AttentionSinks(queries + other.queries, both);
    }

    /** Mean probability that a head gives to a key; 0 where nothing was observed. */
    public double alpha(int head, int key) {
        return queries == 0 ? 0 : sums[head][key] / queries;
    }

    /** The same, mean over the heads. */
    public double alpha(int key) {
        double sum = 0;
        for (int h = 0; h < sums.length; h++) {
            sum += alpha(h, key);
        }
        return sum / sums.length;
    }

    /** Heads with a sink at key 0. */
    public int sinkHeads() {
        int count = 0;
        for (int h = 0; h < sums.length; h++) {
            count += alpha(h, 0) >= SINK ? 1 : 0;
        }
        return count;
    }

    public int heads() {
        return sums.length;
    }

    /** One row, the number of queries and then head by head: what a file keeps. */
    double[] toArray() {
        double[] all = new double[1 + sums.length * KEYS];
        all[0] = queries;
        for (int h = 0; h < sums.length; h++) {
            System.arraycopy(sums[h], 0, all, 1 + h * KEYS, KEYS);
        }
        return all;
    }

    static AttentionSinks of(double[] all) {
        return new AttentionSinks((long) all[0], rows(Arrays.copyOfRange(all, 1, all.length), (all.length - 1) / KEYS));
    }
}
