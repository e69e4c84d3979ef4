package dev.halftone.kernel;

/**
 * The inner loops of solvers over plain arrays. Every provider gives the same bits: sums over a row run in {@link #LANES}
 * interleaved partial sums that are added in a fixed order, products use fused multiply-add, and rounding is half to even.
 */
public interface Kernels {
    /** Partial sums of a reduction, whatever the vector width. */
    int LANES = 16;

    /** Largest absolute value that {@link #roundError} may meet as w / scale: above it float32 has no fractions to round. */
    float LARGEST_QUOTIENT = 1 << 22;

    /** "scalar", "vector-256"...: for reports. */
    String name();

    /**
     * Squared error of rounding a group to an integer grid, weighted: sum over i of weight[i] * (w - s * (code - zero))^2 with
     * code = clamp(rint(w / s) + zero, 0, largest). All in float32.
     *
     * @param weight importance of each element
     * @param scale s, not 0; |w / s| below {@link #LARGEST_QUOTIENT}
     */
    float roundError(float[] w, int at, float[] weight, int weightAt, int length, float scale, int zero, int largest);

    /**
     * target[at + j] -= factor * row[from + j] for j below length, in float64 with fused multiply-add.
     */
    void subtractScaled(double[] target, int at, double factor, double[] row, int from, int length);

    /**
     * C -= A B in float64, row-major, each element one chain of fused multiply-adds over k = 0, 1, ....
     *
     * @param c (m, n) at offset cAt, row stride cStride; likewise a (m, k) and b (k, n)
     */
    void subtractProduct(
            double[] c,
            int cAt,
            int cStride,
            double[] a,
            int aAt,
            int aStride,
            double[] b,
            int bAt,
            int bStride,
            int m,
            int n,
            int k);

    /** The provider for this machine; {@code -Dhalftone.kernels=scalar|vector} forces one. */
    static Kernels best() {
        return KernelChoice.CHOSEN;
    }

    /** The plain twin that every other provider is tested against. */
    static Kernels scalar() {
        return new ScalarKernels();
    }
}
