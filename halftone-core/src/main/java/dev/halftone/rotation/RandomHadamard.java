package dev.halftone.rotation;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * A random rotation Q = D H^T / sqrt(b) of consecutive blocks of b values, D random signs: a row x becomes x Q = H (D x) / sqrt(b).
 * Equal seeds give equal rotations.
 *
 * <p>Source: QuIP, QuaRot (arXiv:2404.00456); blocks as in arXiv:2510.25602 and MR-GPTQ (arXiv:2509.23202).
 */
public final class RandomHadamard {
    private final Hadamard hadamard;
    private final boolean[] negative;

    private RandomHadamard(Hadamard hadamard, boolean[] negative) {
        this.hadamard = hadamard;
        this.negative = negative;
    }

    /**
     * The rotation of rows of n values as a whole; where no construction has the size, of blocks of the largest power of two in
     * it: compare {@link #block}.
     */
    public static RandomHadamard of(int n, long seed) {
        Hadamard whole = Hadamard.of(n).orElseGet(() -> power(Hadamard.block(n)));
        return new RandomHadamard(whole, signs(whole.size(), seed));
    }

    /** The rotation of blocks of that size, the same for every block. {@code block}: one that has a transform. */
    public static RandomHadamard blocks(int block, long seed) {
        Hadamard hadamard = Hadamard.of(block)
                .orElseThrow(() -> new IllegalArgumentException("no Hadamard matrix of order " + block));
        return new RandomHadamard(hadamard, signs(block, seed));
    }

    private static Hadamard power(int n) {
        return Hadamard.of(n).orElseThrow(() -> new IllegalStateException("powers of two have a matrix"));
    }

    private static boolean[] signs(int n, long seed) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        boolean[] negative = new boolean[n];
        for (int i = 0; i < n; i++) {
            negative[i] = random.nextBoolean();
        }
        return negative;
    }

    /** b. */
    public int block() {
        return negative.length;
    }

    /** x = x Q, in place: {@code length} values, whole blocks, from {@code at} on. */
    public void rotate(float[] x, int at, int length) {
        check(length);
        for (int from = at; from < at + length; from += block()) {
            flip(x, from);
            hadamard.forward(x, from);
        }
    }

    /** x = x Q^T: undoes {@link #rotate}. */
    public void undo(float[] x, int at, int length) {
        check(length);
        for (int from = at; from < at + length; from += block()) {
            hadamard.inverse(x, from);
            flip(x, from);
        }
    }

    private void check(int length) {
        if (length % block() != 0) {
            throw new IllegalArgumentException(length + " values are no whole blocks of " + block());
        }
    }

    private void flip(float[] x, int from) {
        for (int i = 0; i < negative.length; i++) {
            if (negative[i]) {
                x[from + i] = -x[from + i];
            }
        }
    }
}
