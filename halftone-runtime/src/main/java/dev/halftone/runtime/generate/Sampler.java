package dev.halftone.runtime.generate;

import dev.halftone.error.InputException;
import dev.halftone.kernel.Kernels;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Chooses the tokens of one generation, one after the other; one random number for each. See {@link Sampling}. */
final class Sampler {
    private static final Kernels KERNELS = Kernels.best();

    /** Apart for the choices of one request. */
    private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;

    /** Logits this far below the largest are sorted only if those above do not suffice. */
    private static final double[] MARGINS = {8, 20, Double.POSITIVE_INFINITY};

    private final Sampling options;
    private final RandomGenerator random;
    private final BitSet seen = new BitSet();
    private final Map<Integer, Integer> written = new HashMap<>();

    /** @param choice number of this generation among those of its request */
    Sampler(Sampling options, int choice, int[] prompt) {
        this.options = options;
        this.random = RandomGeneratorFactory.of("L64X128MixRandom").create(options.seed() + GOLDEN * choice);
        if (options.repetitionPenalty() != 1) {
            Arrays.stream(prompt).forEach(seen::set);
        }
    }

    /**
     * The next token.
     *
     * @param logits of all tokens, not changed
     * @throws InputException HT-932 if the largest logit is no finite number
     */
    int next(float[] logits) {
        float[] adjusted = options.plain() ? logits : adjusted(logits.clone());
        int best = KERNELS.argMax(adjusted, 0, adjusted.length);
        if (!Float.isFinite(adjusted[best])) {
            throw new InputException(
                    "HT-932",
                    "",
                    "the model predicts no finite logits",
                    "check the checkpoint: halftone inspect MODEL");
        }
        int id = options.temperature() == 0 ? best : drawn(adjusted, adjusted[best]);
        seen.set(id);
        written.merge(id, 1, Integer::sum);
        return id;
    }

    private float[] adjusted(float[] z) {
        float penalty = (float) options.repetitionPenalty();
        if (penalty != 1) {
            seen.stream()
                    .filter(id -> id < z.length)
                    .forEach(id -> z[id] = z[id] > 0 ? z[id] / penalty : z[id] * penalty);
        }
        written.forEach(
                (id, count) -> z[id] -= (float) (count * options.frequencyPenalty() + options.presencePenalty()));
        options.bias().forEach((id, bias) -> {
            if (id >= 0 && id < z.length) {
                z[id] += bias.floatValue();
            }
        });
        return z;
    }

    private int drawn(float[] z, double largest) {
        double[] weights = new double[z.length];
        double total = 0;
        for (int i = 0; i < z.length; i++) {
            weights[i] = Math.exp((z[i] - largest) / options.temperature());
            total += weights[i];
        }
        if (options.untruncated(z.length)) {
            double left = random.nextDouble() * total;
            int last = 0;
            for (int i = 0; i < z.length; i++) {
                if (weights[i] > 0) {
                    last = i;
                    left -= weights[i];
                    if (left < 0) {
                        break;
                    }
                }
            }
            return last;
        }
        return drawn(kept(z, weights, largest, total), weights);
    }

    private int drawn(int[] ids, double[] weights) {
        double total = 0;
        for (int id : ids) {
            total += weights[id];
        }
        double left = random.nextDouble() * total;
        for (int id : ids) {
            left -= weights[id];
            if (left < 0) {
                return id;
            }
        }
        return ids[ids.length - 1];
    }

    /** The tokens that topK, topP and minP leave, most probable first. */
    private int[] kept(float[] z, double[] weights, double largest, double total) {
        for (double margin : MARGINS) {
            int[] sorted = sorted(z, largest - margin * options.temperature());
            boolean all = sorted.length == z.length;
            int count = options.topK() == 0 ? sorted.length : Math.min(options.topK(), sorted.length);
            boolean enough = all || (options.topK() > 0 && options.topK() <= sorted.length);
            if (!enough && options.topK() > 0 && options.topP() < 1) {
                continue; // what topP is a share of is not known yet
            }
            double mass = options.topK() == 0 ? total : sum(sorted, weights, count);
            double sum = 0;
            double least = options.minP();
            for (int i = 0; i < count; i++) {
                if (weights[sorted[i]] < least) {
                    return Arrays.copyOf(sorted, i);
                }
                sum += weights[sorted[i]];
                if (options.topP() < 1 && sum >= options.topP() * mass) {
                    return Arrays.copyOf(sorted, i + 1);
                }
            }
            if (enough) {
                return Arrays.copyOf(sorted, count);
            }
        }
        throw new IllegalStateException("the last margin takes all tokens");
    }

    private static double sum(int[] ids, double[] weights, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += weights[ids[i]];
        }
        return sum;
    }

    /** Tokens whose logits are not below {@code least}, largest first, of equals the smaller id. */
    private static int[] sorted(float[] z, double least) {
        long[] keys = new long[z.length];
        int count = 0;
        for (int i = 0; i < z.length; i++) {
            if (!(z[i] < least)) {
                int bits = Float.floatToIntBits(z[i]);
                int ordered = bits ^ ((bits >> 31) & 0x7FFF_FFFF);
                keys[count++] = ((long) ~ordered << 32) | i;
            }
        }
        Arrays.sort(keys, 0, count);
        int[] ids = new int[count];
        for (int i = 0; i < count; i++) {
            ids[i] = (int) keys[i];
        }
        return ids;
    }
}
