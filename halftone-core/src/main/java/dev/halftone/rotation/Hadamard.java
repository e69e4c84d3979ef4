package dev.halftone.rotation;

import dev.halftone.kernel.Kernels;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The orthogonal transform y = H x / sqrt(n) with H = H_K (x) S, S the Sylvester matrix of order 2^m, n = K 2^m, fast: n (m + K)
 * additions in float32. K = 1 for powers of two; else the smallest 4 odd, 8 odd, ... that {@link HadamardMatrix} has.
 *
 * <p>Source: QuaRot, arXiv:2404.00456; with x as (K, 2^m), y = H_K (x S).
 */
public final class Hadamard {
    private static final Kernels KERNELS = Kernels.best();
    private static final Map<Integer, Optional<Hadamard>> KNOWN = new ConcurrentHashMap<>();

    private final int n;
    private final byte[][] outer;

    private Hadamard(int n, byte[][] outer) {
        this.n = n;
        this.outer = outer;
    }

    /** The transform of that size; empty where no construction gives one, such as for odd sizes and 92. */
    public static Optional<Hadamard> of(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("size " + n);
        }
        return KNOWN.computeIfAbsent(n, Hadamard::make);
    }

    /** The largest power of two that divides n: the size of the blocks where n itself has no transform. */
    public static int block(int n) {
        return Integer.lowestOneBit(n);
    }

    private static Optional<Hadamard> make(int n) {
        int odd = n / block(n);
        if (odd == 1) {
            return Optional.of(new Hadamard(n, new byte[][] {{1}}));
        }
        for (int k = 4 * odd; k <= n; k *= 2) {
            Optional<byte[][]> matrix = HadamardMatrix.of(k);
            if (matrix.isPresent()) {
                return Optional.of(new Hadamard(n, matrix.get()));
            }
        }
        return Optional.empty();
    }

    /** n. */
    public int size() {
        return n;
    }

    /** K. */
    public int order() {
        return outer.length;
    }

    /** x = H x / sqrt(n), in place, of the n values from {@code at} on. */
    public void forward(float[] x, int at) {
        transform(x, at, false);
    }

    /** x = H^T x / sqrt(n): the inverse of {@link #forward}. */
    public void inverse(float[] x, int at) {
        transform(x, at, true);
    }

    private void transform(float[] x, int at, boolean transposed) {
        int inner = n / outer.length;
        for (int k = 0; k < outer.length; k++) {
            KERNELS.walshHadamard(x, at + k * inner, inner);
        }
        if (outer.length > 1) {
            mix(x, at, inner, transposed);
        }
        float factor = (float) (1 / Math.sqrt(n));
        for (int i = at; i < at + n; i++) {
            x[i] *= factor;
        }
    }

    /** Multiplies (K, inner) by H_K or its transpose from the left. */
    private void mix(float[] x, int at, int inner, boolean transposed) {
        float[] before = new float[n];
        System.arraycopy(x, at, before, 0, n);
        for (int k = 0; k < outer.length; k++) {
            int row = at + k * inner;
            java.util.Arrays.fill(x, row, row + inner, 0);
            for (int j = 0; j < outer.length; j++) {
                float sign = transposed ? outer[j][k] : outer[k][j];
                int from = j * inner;
                for (int i = 0; i < inner; i++) {
                    x[row + i] += sign * before[from + i];
                }
            }
        }
    }
}
