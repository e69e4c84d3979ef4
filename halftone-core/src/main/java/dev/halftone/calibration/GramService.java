package dev.halftone.calibration;

import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Sums second moments over stored activations: float32 products of {@link #TOKENS} tokens, upper triangle only (BLAS's syrk does
 * half the work of a full product), added up in float64 in the order of the tokens whatever thread computed them.
 */
public final class GramService {
    /** Of one product. */
    static final int TOKENS = 4096;

    private GramService() {}

    /**
     * H of the activations.
     *
     * @param activations (tokens, channels)
     */
    public static Gram of(Activations activations, Workers workers) {
        int n = activations.columns();
        OrderedSum sum = new OrderedSum(n);
        int pieces = Math.toIntExact(Math.ceilDiv(activations.rows(), TOKENS));
        workers.forEach(pieces, piece -> {
            sum.add(piece, Torch.owned(() -> product(activations, piece)));
        });
        return new Gram(n, activations.rows(), sum.mean(activations.rows()));
    }

    /** The product of that number. */
    static Tensor product(Activations activations, int number) {
        long from = (long) number * TOKENS;
        return product(activations.view(from, Math.min(activations.rows(), from + TOKENS)));
    }

    /** X^T X of x (tokens, n): the upper triangle of the result; the rest is undefined. */
    private static Tensor product(Tensor x) {
        int n = Math.toIntExact(x.size(1));
        Tensor product = torch.empty(new long[] {n, n}, new TensorOptions(ScalarType.Float), null);
        openblas.cblas_ssyrk(
                openblas.CblasRowMajor,
                openblas.CblasUpper,
                openblas.CblasTrans,
                n,
                Math.toIntExact(x.size(0)),
                1f,
                new FloatPointer(x.data_ptr()),
                n,
                0f,
                new FloatPointer(product.data_ptr()),
                n);
        return product;
    }

    /** Adds products in the order of their numbers; one that comes too early waits, its thread does not. */
    private static final class OrderedSum {
        private final GramSum sum;
        private final Map<Integer, Tensor> early = new HashMap<>();
        private int next;

        OrderedSum(int n) {
            this.sum = new GramSum(n);
        }

        synchronized void add(int number, Tensor product) {
            early.put(number, product);
            for (Tensor ready = early.remove(next); ready != null; ready = early.remove(next)) {
                MemorySegment values = Tensors.memory(ready);
                int n = sum.size();
                for (int i = 0; i < n; i++) {
                    long from = ((long) i * n + i) * Float.BYTES;
                    sum.addRow(i, values.asSlice(from, (long) (n - i) * Float.BYTES));
                }
                ready.close();
                next++;
            }
        }

        double[] mean(long tokens) {
            return sum.mean(tokens);
        }
    }
}
