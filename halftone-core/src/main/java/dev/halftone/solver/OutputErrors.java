package dev.halftone.solver;

import dev.halftone.calibration.TokenSample;
import dev.halftone.discrete.DenseMatrix;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/** The errors of a layer's outputs token by token, E = X (Q - W)^T; float32 products. */
public final class OutputErrors {
    /** Rows of W that a thread takes at once. */
    private static final int STRIP = 64;

    private final WeightProblem problem;
    private final TokenSample sample;
    private final Workers workers;

    /** @param sample X (tokens, in) */
    public OutputErrors(WeightProblem problem, TokenSample sample, Workers workers) {
        this.problem = problem;
        this.sample = sample;
        this.workers = workers;
    }

    private interface Strip {
        /** @param e (rows, tokens) from row {@code first} on */
        void see(int first, int rows, float[] e);
    }

    private void strips(float[] q, Strip strip) {
        int in = problem.in();
        workers.forEach(Math.ceilDiv(problem.out(), STRIP), s -> {
            int first = s * STRIP;
            int rows = Math.min(STRIP, problem.out() - first);
            float[] difference = Arrays.copyOfRange(q, first * in, (first + rows) * in);
            for (int i = 0; i < difference.length; i++) {
                difference[i] -= problem.weight()[first * in + i];
            }
            Tensor x = Tensors.of(sample.x(), sample.tokens(), in);
            strip.see(
                    first, rows, Tensors.floats(Tensors.of(difference, rows, in).matmul(x.t())));
        });
    }

    /** Of each row the largest |error|; Q is (out, in). */
    public float[] largest(float[] q) {
        float[] largest = new float[problem.out()];
        strips(q, (first, rows, e) -> {
            for (int i = 0; i < e.length; i++) {
                int row = first + i / sample.tokens();
                largest[row] = Math.max(largest[row], Math.abs(e[i]));
            }
        });
        return largest;
    }

    /** Of each row the root of the mean squared error. */
    public double[] rootMeanSquare(float[] q) {
        double[] root = new double[problem.out()];
        strips(q, (first, rows, e) -> {
            for (int row = 0; row < rows; row++) {
                double sum = 0;
                for (int t = 0; t < sample.tokens(); t++) {
                    double error = e[row * sample.tokens() + t];
                    sum += error * error;
                }
                root[first + row] = Math.sqrt(sum / sample.tokens());
            }
        });
        return root;
    }

    /**
     * Random tokens, and those of the others that come nearest to the largest error of some row.
     *
     * @return indices of the sample, rising
     */
    int[] chosen(float[] q, int random, int worst) {
        int tokens = sample.tokens();
        int first = Math.min(random, tokens);
        float[] largest = largest(q);
        float[][] shares = new float[Math.ceilDiv(problem.out(), STRIP)][tokens];
        strips(q, (from, rows, e) -> {
            float[] share = shares[from / STRIP];
            for (int i = 0; i < e.length; i++) {
                int t = i % tokens;
                float most = largest[from + i / tokens];
                share[t] = most == 0 ? share[t] : Math.max(share[t], Math.abs(e[i]) / most);
            }
        });
        float[] share = new float[tokens];
        for (float[] strip : shares) {
            for (int t = 0; t < tokens; t++) {
                share[t] = Math.max(share[t], strip[t]);
            }
        }
        // The sample is in random order: its first tokens are random ones.
        Integer[] others = new Integer[tokens - first];
        Arrays.setAll(others, i -> first + i);
        Arrays.sort(others, (p, r) -> Float.compare(share[r], share[p]));
        int[] chosen = new int[first + Math.min(worst, others.length)];
        for (int i = 0; i < chosen.length; i++) {
            chosen[i] = i < first ? i : others[i - first];
        }
        Arrays.sort(chosen);
        return chosen;
    }

    /** The inputs of some tokens. */
    DenseMatrix matrix(int[] tokens) {
        int in = problem.in();
        double[] values = new double[Math.multiplyExact(tokens.length, in)];
        workers.forEach(in, j -> {
            for (int k = 0; k < tokens.length; k++) {
                values[j * tokens.length + k] = sample.x()[tokens[k] * in + j];
            }
        });
        return new DenseMatrix(tokens.length, in, values);
    }
}
