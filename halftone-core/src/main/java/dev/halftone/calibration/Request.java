package dev.halftone.calibration;

import dev.halftone.text.TextTokenizer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * What every generator gets.
 *
 * @param samples sequences, or documents where they are packed
 * @param length tokens per sequence without BOS, which is added later
 * @param vocabulary token ids that tokenizer and model both know are below it
 */
record Request(int samples, int length, long seed, int vocabulary, TextTokenizer tokenizer) {
    /** Randomness of a source's draw {@code index} that does not depend on what else is drawn, or in which order. */
    RandomGenerator random(String source, int index) {
        return random(seed, source, index);
    }

    /** L64X128MixRandom, its 256 bits of state the SHA-256 of "seed source index". */
    static RandomGenerator random(long seed, String source, int index) {
        byte[] key = (seed + " " + source + " " + index).getBytes(StandardCharsets.UTF_8);
        return RandomGeneratorFactory.of("L64X128MixRandom").create(sha256().digest(key));
    }

    /** 0 .. size-1 in random order (Fisher and Yates). */
    static int[] permutation(int size, RandomGenerator random) {
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            order[i] = i;
        }
        permute(order, random);
        return order;
    }

    /** Puts the values into random order. */
    static void permute(int[] values, RandomGenerator random) {
        for (int i = values.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int value = values[i];
            values[i] = values[j];
            values[j] = value;
        }
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
