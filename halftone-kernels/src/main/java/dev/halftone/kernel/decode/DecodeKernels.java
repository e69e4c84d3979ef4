package dev.halftone.kernel.decode;

/**
 * Norms, activations, softmax and attention's products. Every provider gives the same bits: sums over a row run in {@link #LANES}
 * interleaved partial sums that are added in a fixed order, products are chains of fused multiply-adds, and {@link FloatExponential} is
 * repeated step by step.
 */
public interface DecodeKernels {
    /** Partial sums of a reduction, whatever the vector width. */
    int LANES = 16;

    /** "scalar", "vector-512"...: for reports. */
    String name();

    /**
     * y = x / sqrt(mean(x^2) + eps) * gain over {@code length} values; y may be x.
     *
     * @param gain from {@code gainAt} on
     */
    void rmsNorm(float[] x, int at, float[] y, int yAt, int length, float[] gain, int gainAt, float eps);

    /**
     * y = (x - mean) / sqrt(variance + eps) * gain + bias over {@code length} values; y may be x.
     *
     * @param bias of the places of gain; empty for none
     */
    void layerNorm(
            float[] x, int at, float[] y, int yAt, int length, float[] gain, int gainAt, float[] bias, float eps);

    /** A non-linearity in place. */
    void activate(Nonlinearity function, float[] x, int at, int length);

    /** x *= y in place. */
    void multiply(float[] x, int at, float[] y, int yAt, int length);

    /** x += y in place. */
    void add(float[] x, int at, float[] y, int yAt, int length);

    /** c tanh(x / c) in place. */
    void cap(float[] x, int at, int length, float c);

    /**
     * The terms of a softmax over x[at + from .. at + to) in place: exp(x - largest there), and 0 in [begin, from) and [to, end).
     *
     * @param begin a multiple of {@link #LANES}, as {@code end}
     * @param from less than {@code to}
     * @return the sum of the terms
     */
    float softmaxTerms(float[] x, int at, int begin, int from, int to, int end);

    /**
     * C += A B in float32, row-major, each element one chain of fused multiply-adds over k = 0, 1, ....
     *
     * @param c (m, n) at offset cAt, row stride cStride; likewise a (m, k) and b (k, n)
     */
    void addProduct(
            float[] c,
            int cAt,
            int cStride,
            float[] a,
            int aAt,
            int aStride,
            float[] b,
            int bAt,
            int bStride,
            int m,
            int n,
            int k);

    /**
     * Turns pairs (x[i], x[i + half]) in place by angles whose cos and sin stand at {@code tableAt} + i.
     */
    void turn(float[] x, int at, int half, float[] cos, float[] sin, int tableAt);

    /** x *= factor in place. */
    default void scale(float[] x, int at, int length, float factor) {
        for (int i = at; i < at + length; i++) {
            x[i] *= factor;
        }
    }

    /** Half-precision numbers to float32. Infinities become numbers of magnitude 2^16, next to the largest finite ones. */
    void widen(short[] halves, int at, float[] x, int xAt, int length);

    /** The nearest half-precision numbers, ties to even; what is too large becomes infinite. */
    static void narrow(float[] x, int xAt, short[] halves, int at, int length) {
        for (int i = 0; i < length; i++) {
            halves[at + i] = Float.floatToFloat16(x[xAt + i]);
        }
    }

    /** The provider for this machine; {@code -Dhalftone.kernels=scalar|vector} forces one. */
    static DecodeKernels best() {
        return DecodeChoice.CHOSEN;
    }

    /** The plain twin that every other provider is tested against. */
    static DecodeKernels scalar() {
        return new ScalarDecode();
    }
}
