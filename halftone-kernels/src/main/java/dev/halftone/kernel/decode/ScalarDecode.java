package dev.halftone.kernel.decode;

import java.util.Arrays;

/** Plain loops: the definition of what every provider computes. */
final class ScalarDecode implements DecodeKernels {
    static final int HALF_SHIFT = 13;
    /** The sign, and the 15 other bits of a half that was moved by {@link #HALF_SHIFT}. */
    static final int HALF_MASK = 0x8FFF_E000;

    static final float HALF_FACTOR = 0x1p112f;

    @Override
    public String name() {
        return "scalar";
    }

    /** Partial sums added pairwise: lane i and i + 8, then i and i + 4, and so on. */
    static float sum(float[] partial) {
        for (int half = LANES / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                partial[i] += partial[i + half];
            }
        }
        return partial[0];
    }

    @Override
    public void rmsNorm(float[] x, int at, float[] y, int yAt, int length, float[] gain, int gainAt, float eps) {
        float[] partial = new float[LANES];
        for (int i = 0; i < length; i++) {
            partial[i % LANES] = Math.fma(x[at + i], x[at + i], partial[i % LANES]);
        }
        float factor = factor(sum(partial), length, eps);
        for (int i = 0; i < length; i++) {
            y[yAt + i] = x[at + i] * factor * gain[gainAt + i];
        }
    }

    /** 1 / sqrt(mean + eps). */
    static float factor(float sum, int length, float eps) {
        return (float) (1 / Math.sqrt(sum / length + eps));
    }

    @Override
    public void layerNorm(
            float[] x, int at, float[] y, int yAt, int length, float[] gain, int gainAt, float[] bias, float eps) {
        float[] partial = new float[LANES];
        for (int i = 0; i < length; i++) {
            partial[i % LANES] += x[at + i];
        }
        float mean = sum(partial) / length;
        Arrays.fill(partial, 0);
        for (int i = 0; i < length; i++) {
            float d = x[at + i] - mean;
            partial[i % LANES] = Math.fma(d, d, partial[i % LANES]);
        }
        float factor = factor(sum(partial), length, eps);
        for (int i = 0; i < length; i++) {
            float normed = (x[at + i] - mean) * factor * gain[gainAt + i];
            y[yAt + i] = bias.length == 0 ? normed : normed + bias[gainAt + i];
        }
    }

    @Override
    public void activate(Nonlinearity function, float[] x, int at, int length) {
        for (int i = at; i < at + length; i++) {
            x[i] = FloatFunctions.apply(function, x[i]);
        }
    }

    @Override
    public void multiply(float[] x, int at, float[] y, int yAt, int length) {
        for (int i = 0; i < length; i++) {
            x[at + i] *= y[yAt + i];
        }
    }

    @Override
    public void add(float[] x, int at, float[] y, int yAt, int length) {
        for (int i = 0; i < length; i++) {
            x[at + i] += y[yAt + i];
        }
    }

    @Override
    public void cap(float[] x, int at, int length, float c) {
        for (int i = at; i < at + length; i++) {
            x[i] = FloatFunctions.cap(x[i], c);
        }
    }

    @Override
    public float softmaxTerms(float[] x, int at, int begin, int from, int to, int end) {
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = from; i < to; i++) {
            largest = Math.max(largest, x[at + i]);
        }
        float[] partial = new float[LANES];
        for (int i = begin; i < end; i++) {
            float term = i < from || i >= to ? 0 : FloatExponential.of(x[at + i] - largest);
            x[at + i] = term;
            partial[i % LANES] += term;
        }
        return sum(partial);
    }

    @Override
    public void turn(float[] x, int at, int half, float[] cos, float[] sin, int tableAt) {
        for (int i = 0; i < half; i++) {
            turnPair(x, at + i, at + half + i, cos[tableAt + i], sin[tableAt + i]);
        }
    }

    static void turnPair(float[] x, int first, int second, float cos, float sin) {
        float a = x[first];
        float b = x[second];
        x[first] = Math.fma(-b, sin, a * cos);
        x[second] = Math.fma(b, cos, a * sin);
    }

    /** Exponent and mantissa where float32 has them, and then what the exponents' biases differ by. */
    static float widened(short half) {
        return Float.intBitsToFloat((half << HALF_SHIFT) & HALF_MASK) * HALF_FACTOR;
    }

    @Override
    public void widen(short[] halves, int at, float[] x, int xAt, int length) {
        for (int i = 0; i < length; i++) {
            x[xAt + i] = widened(halves[at + i]);
        }
    }

    @Override
    public void addProduct(
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
            int k) {
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                float sum = c[cAt + i * cStride + j];
                for (int l = 0; l < k; l++) {
                    sum = Math.fma(a[aAt + i * aStride + l], b[bAt + l * bStride + j], sum);
                }
                c[cAt + i * cStride + j] = sum;
            }
        }
    }
}
