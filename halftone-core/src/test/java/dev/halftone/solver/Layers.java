package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Synthetic layers: the same for the same seed on every machine. */
final class Layers {
    private Layers() {}

    /** W (out, in) normal with deviation 0.02. */
    static WeightProblem problem(long seed, int out, Gram gram) {
        RandomGenerator random = random(seed);
        float[] w = new float[out * gram.size()];
        for (int i = 0; i < w.length; i++) {
            w[i] = (float) (0.02 * random.nextGaussian());
        }
        return new WeightProblem("w", w, out, gram.size(), gram);
    }

    /** Inputs that share a few strong directions, as a network's do, with scales that differ between channels. */
    static Gram correlated(long seed, int in) {
        RandomGenerator random = random(seed);
        int tokens = 4 * in;
        int directions = 12;
        double[] mix = random.doubles((long) directions * in, -1, 1).toArray();
        double[] h = new double[in * in];
        double[] x = new double[in];
        for (int t = 0; t < tokens; t++) {
            Arrays.setAll(x, j -> 0.3 * random.nextGaussian());
            for (int d = 0; d < directions; d++) {
                double strength = random.nextGaussian();
                for (int j = 0; j < in; j++) {
                    x[j] += strength * mix[d * in + j] * (1 + j % 5);
                }
            }
            for (int i = 0; i < in; i++) {
                for (int j = 0; j < in; j++) {
                    h[i * in + j] += x[i] * x[j] / tokens;
                }
            }
        }
        return new Gram(in, tokens, h);
    }

    /** The expectation of {@link #correlated}, without drawing tokens: for layers of any size. */
    static Gram expected(long seed, int in) {
        RandomGenerator random = random(seed);
        int directions = 12;
        double[] mix = random.doubles((long) directions * in, -1, 1).toArray();
        double[] h = new double[in * in];
        for (int i = 0; i < in; i++) {
            for (int j = 0; j <= i; j++) {
                double sum = i == j ? 0.09 : 0;
                for (int d = 0; d < directions; d++) {
                    sum += mix[d * in + i] * (1 + i % 5) * mix[d * in + j] * (1 + j % 5);
                }
                h[i * in + j] = sum;
                h[j * in + i] = sum;
            }
        }
        return new Gram(in, 100_000, h);
    }

    static RandomGenerator random(long seed) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }
}
