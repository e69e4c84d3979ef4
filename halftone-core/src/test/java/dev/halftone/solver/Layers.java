package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.PackedWeight;
import java.util.Arrays;
import java.util.Objects;
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

    /** tr(D (H + added I) D^T) by definition. */
    static double trace(WeightProblem problem, float[] q, double added) {
        double[] h = Objects.requireNonNull(problem.gram()).h();
        int in = problem.in();
        double sum = 0;
        for (int row = 0; row < problem.out(); row++) {
            for (int i = 0; i < in; i++) {
                double di = (double) problem.weight()[row * in + i] - q[row * in + i];
                for (int j = 0; j < in; j++) {
                    double dj = (double) problem.weight()[row * in + j] - q[row * in + j];
                    sum += di * (h[i * in + j] + (i == j ? added : 0)) * dj;
                }
            }
        }
        return sum;
    }

    /** A result of one number format and nothing else. */
    static PackedWeight packed(SolvedWeight solved) {
        return (PackedWeight) solved.packed();
    }

    /** tr((W - Q) H (W - Q)^T) / tr(W H W^T) by definition. */
    static double loss(WeightProblem problem, float[] q) {
        return trace(problem, q, 0) / trace(problem, new float[q.length], 0);
    }

    /** Rows in which two weights (out, in) differ anywhere. */
    static int rowsThatDiffer(float[] a, float[] b, int in) {
        int count = 0;
        for (int at = 0; at < a.length; at += in) {
            count += Arrays.equals(a, at, at + in, b, at, at + in) ? 0 : 1;
        }
        return count;
    }

    static RandomGenerator random(long seed) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }
}
