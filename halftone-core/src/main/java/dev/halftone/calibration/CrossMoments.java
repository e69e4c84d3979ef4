package dev.halftone.calibration;

import dev.halftone.tensor.Activations;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import org.bytedeco.pytorch.Tensor;

/** Moments of how far two runs of a model are apart, with the inputs of one of them. */
public final class CrossMoments {
    private static final int TOKENS = 4096;

    /** Channels that are one piece of work. */
    private static final int CHANNELS = 288;

    private CrossMoments() {}

    /**
     * Sum over tokens of (a - b) c^T / tokens: products of 4096 tokens in the type {@code products}, float64 sums in their order.
     *
     * @param a (tokens, m); b likewise
     * @param c (tokens, n)
     * @return (m, n) row-major
     */
    public static double[] of(Activations a, Activations b, Activations c, ComputeType products, Workers workers) {
        int m = a.columns();
        int n = c.columns();
        double[] sums = new double[Math.multiplyExact(m, n)];
        workers.forEach(Math.ceilDiv(m, CHANNELS), tile -> {
            int first = tile * CHANNELS;
            int last = Math.min(m, first + CHANNELS);
            float[] product = new float[(last - first) * n];
            for (long from = 0; from < a.rows(); from += TOKENS) {
                long to = Math.min(a.rows(), from + TOKENS);
                long start = from;
                Torch.inScope(() -> {
                    Tensor apart = Tensors.slice(a.view(start, to), 1, first, last)
                            .sub(Tensors.slice(b.view(start, to), 1, first, last));
                    Tensor sum = apart.to(products.scalarType())
                            .t()
                            .matmul(c.view(start, to).to(products.scalarType()));
                    Tensors.read(sum.to(ComputeType.FLOAT32.scalarType()), product);
                });
                for (int i = 0; i < product.length; i++) {
                    sums[first * n + i] += product[i];
                }
            }
            for (int i = first * n; i < last * n; i++) {
                sums[i] /= a.rows();
            }
        });
        return sums;
    }
}
