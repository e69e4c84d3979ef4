package dev.halftone.runtime;

import dev.halftone.kernel.decode.DecodeKernels;
import dev.halftone.kernel.decode.Nonlinearity;
import dev.halftone.model.DecoderSpec.Experts;
import dev.halftone.runtime.DecoderWeights.ExpertWeights;
import java.util.Arrays;

/** The mixture of experts of a block: a token's rows go to its experts, one expert after the other with all its tokens. */
final class ExpertPass {
    private static final DecodeKernels KERNELS = DecodeKernels.best();

    private final Experts experts;
    private final Nonlinearity activation;
    private final SpinPool pool;
    private final int hidden;

    ExpertPass(Experts experts, Nonlinearity activation, SpinPool pool, int hidden) {
        this.experts = experts;
        this.activation = activation;
        this.pool = pool;
        this.hidden = hidden;
    }

    /**
     * y = sum of the chosen experts, and of the shared ones.
     *
     * @param x (tokens, hidden)
     * @param y as x
     */
    void run(ExpertWeights weights, float[] x, int tokens, float[] y) {
        float[] p = new float[tokens * experts.count()];
        float[] gates = new float[tokens];
        if (weights.router().count() > 1) {
            weights.router().multiply(pool, x, tokens, p, gates);
        } else {
            weights.router().multiply(pool, x, tokens, p);
        }
        float[][] shares = new float[experts.count()][];
        int[][] chosen = choose(p, tokens, shares);
        Arrays.fill(y, 0, tokens * hidden, 0);
        for (int e = 0; e < experts.count(); e++) {
            int[] rows = chosen[e];
            if (rows.length > 0) {
                float[] own = new float[rows.length * hidden];
                for (int i = 0; i < rows.length; i++) {
                    System.arraycopy(x, rows[i] * hidden, own, i * hidden, hidden);
                }
                float[] out = mlp(weights.up().get(e), weights.down().get(e), own, rows.length, experts.width());
                for (int i = 0; i < rows.length; i++) {
                    addScaled(y, rows[i] * hidden, out, i * hidden, shares[e][i]);
                }
            }
        }
        if (weights.sharedUp() != null && weights.sharedDown() != null) {
            float[] out = mlp(weights.sharedUp(), weights.sharedDown(), x, tokens, experts.sharedWidth());
            for (int t = 0; t < tokens; t++) {
                float share = weights.router().count() > 1 ? (float) (1 / (1 + Math.exp(-gates[t]))) : 1;
                addScaled(y, t * hidden, out, t * hidden, share);
            }
        }
    }

    private float[] mlp(Linears up, Linears down, float[] x, int rows, int width) {
        float[] gate = new float[rows * width];
        float[] factor = new float[rows * width];
        float[] out = new float[rows * hidden];
        up.multiply(pool, x, rows, gate, factor);
        KERNELS.activate(activation, gate, 0, gate.length);
        KERNELS.multiply(gate, 0, factor, 0, gate.length);
        down.multiply(pool, gate, rows, out);
        return out;
    }

    private void addScaled(float[] y, int at, float[] x, int from, float factor) {
        for (int i = 0; i < hidden; i++) {
            y[at + i] = Math.fma(factor, x[from + i], y[at + i]);
        }
    }

    /**
     * Gives each token its experts.
     *
     * @param p logits of the router (tokens, experts), of which a softmax is left
     * @param shares of each expert: what its output counts for each of its tokens
     * @return tokens of each expert
     */
    private int[][] choose(float[] p, int tokens, float[][] shares) {
        int count = experts.count();
        int k = experts.perToken();
        int[] best = new int[tokens * k];
        int[] sizes = new int[count];
        for (int t = 0; t < tokens; t++) {
            softmax(p, t * count, count);
            mostProbable(p, t * count, best, t * k);
            for (int slot = t * k; slot < (t + 1) * k; slot++) {
                sizes[best[slot]]++;
            }
        }
        int[][] chosen = new int[count][];
        for (int e = 0; e < count; e++) {
            chosen[e] = new int[sizes[e]];
            shares[e] = new float[sizes[e]];
        }
        int[] next = new int[count];
        for (int t = 0; t < tokens; t++) {
            float sum = 0;
            for (int slot = t * k; slot < (t + 1) * k; slot++) {
                sum += p[t * count + best[slot]];
            }
            for (int slot = t * k; slot < (t + 1) * k; slot++) {
                int e = best[slot];
                float share = p[t * count + e] / (experts.normalized() ? sum : 1);
                shares[e][next[e]] = (float) (share * experts.scale());
                chosen[e][next[e]++] = t;
            }
        }
        return chosen;
    }

    /** The experts of a token, the most probable first, of equals the lower number. */
    private void mostProbable(float[] p, int at, int[] best, int bestAt) {
        for (int slot = 0; slot < experts.perToken(); slot++) {
            int most = -1;
            for (int e = 0; e < experts.count(); e++) {
                if (!taken(best, bestAt, slot, e) && (most < 0 || p[at + e] > p[at + most])) {
                    most = e;
                }
            }
            best[bestAt + slot] = most;
        }
    }

    private static boolean taken(int[] best, int at, int slots, int expert) {
        for (int i = at; i < at + slots; i++) {
            if (best[i] == expert) {
                return true;
            }
        }
        return false;
    }

    private static void softmax(float[] x, int at, int length) {
        float most = x[at];
        for (int i = 1; i < length; i++) {
            most = Math.max(most, x[at + i]);
        }
        double sum = 0;
        for (int i = 0; i < length; i++) {
            sum += Math.exp(x[at + i] - most);
        }
        for (int i = 0; i < length; i++) {
            x[at + i] = (float) (Math.exp(x[at + i] - most) / sum);
        }
    }
}
