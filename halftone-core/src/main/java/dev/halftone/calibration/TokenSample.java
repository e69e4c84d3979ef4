package dev.halftone.calibration;

import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Some of a linear's inputs themselves: for methods that look at single tokens, where second moments say too little.
 *
 * @param size inputs of the linear
 * @param x (tokens, size) row-major, tokens in random order
 */
public record TokenSample(int size, float[] x) {
    /** Tokens of a sample, and numbers of it, at most. */
    private static final int MOST_TOKENS = 16384;

    private static final int MOST_NUMBERS = 1 << 26;

    /** How many tokens a sample of so many has. */
    public static int tokens(long of, int size) {
        return (int) Math.min(of, Math.min(MOST_TOKENS, Math.max(1, MOST_NUMBERS / size)));
    }

    /** Drawn without replacement, the same ones whenever there are as many. */
    public static TokenSample of(Activations activations) {
        int size = activations.columns();
        int all = Math.toIntExact(activations.rows());
        int count = tokens(all, size);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(all);
        int[] order = new int[all];
        for (int t = 0; t < all; t++) {
            int other = random.nextInt(t + 1);
            order[t] = order[other];
            order[other] = t;
        }
        float[] x = new float[Math.multiplyExact(count, size)];
        for (int i = 0; i < count; i++) {
            int token = order[i];
            int at = i * size;
            Torch.inScope(() -> System.arraycopy(Tensors.floats(activations.view(token, token + 1)), 0, x, at, size));
        }
        return new TokenSample(size, x);
    }

    /** How many tokens there are. */
    public int tokens() {
        return x.length / size;
    }

    /** The sample of x / s. */
    TokenSample dividedBy(double[] s) {
        float[] divided = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            divided[i] = (float) (x[i] / s[i % size]);
        }
        return new TokenSample(size, divided);
    }
}
