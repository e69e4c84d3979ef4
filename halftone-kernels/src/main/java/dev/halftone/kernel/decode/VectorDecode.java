package dev.halftone.kernel.decode;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The Vector API at the machine's preferred width. */
final class VectorDecode implements DecodeKernels {
    private static final VectorSpecies<Float> F =
            FloatVector.SPECIES_PREFERRED.length() > LANES ? FloatVector.SPECIES_512 : FloatVector.SPECIES_PREFERRED;
    private static final int L = F.length();
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Short> H =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final DecodeKernels PLAIN = new ScalarDecode();

    @Override
    public String name() {
        return "vector-" + F.vectorBitSize();
    }

    @Override
    public void rmsNorm(float[] x, int at, float[] y, int yAt, int length, float[] gain, int gainAt, float eps) {
        float factor = ScalarDecode.factor(squares(x, at, length, 0), length, eps);
        int whole = F.loopBound(length);
        for (int i = 0; i < whole; i += L) {
            FloatVector.fromArray(F, x, at + i)
                    .mul(factor)
                    .mul(FloatVector.fromArray(F, gain, gainAt + i))
                    .intoArray(y, yAt + i);
        }
        for (int i = whole; i < length; i++) {
            y[yAt + i] = x[at + i] * factor * gain[gainAt + i];
        }
    }

    /** Sum of (x - mean)^2. */
    private static float squares(float[] x, int at, int length, float mean) {
        float[] partial = new float[LANES];
        int whole = length - length % LANES;
        for (int lane = 0; lane < LANES; lane += L) {
            FloatVector sum = FloatVector.zero(F);
            for (int i = lane; i < whole; i += LANES) {
                FloatVector d = FloatVector.fromArray(F, x, at + i).sub(mean);
                sum = d.fma(d, sum);
            }
            sum.intoArray(partial, lane);
        }
        for (int i = whole; i < length; i++) {
            float d = x[at + i] - mean;
            partial[i % LANES] = Math.fma(d, d, partial[i % LANES]);
        }
        return ScalarDecode.sum(partial);
    }

    @Override
    public void layerNorm(
            float[] x, int at, float[] y, int yAt, int length, float[] gain, int gainAt, float[] bias, float eps) {
        float mean = total(x, at, length) / length;
        float factor = ScalarDecode.factor(squares(x, at, length, mean), length, eps);
        int whole = F.loopBound(length);
        for (int i = 0; i < whole; i += L) {
            FloatVector normed = FloatVector.fromArray(F, x, at + i)
                    .sub(mean)
                    .mul(factor)
                    .mul(FloatVector.fromArray(F, gain, gainAt + i));
            (bias.length == 0 ? normed : normed.add(FloatVector.fromArray(F, bias, gainAt + i))).intoArray(y, yAt + i);
        }
        for (int i = whole; i < length; i++) {
            float normed = (x[at + i] - mean) * factor * gain[gainAt + i];
            y[yAt + i] = bias.length == 0 ? normed : normed + bias[gainAt + i];
        }
    }

    private static float total(float[] x, int at, int length) {
        float[] partial = new float[LANES];
        int whole = length - length % LANES;
        for (int lane = 0; lane < LANES; lane += L) {
            FloatVector sum = FloatVector.zero(F);
            for (int i = lane; i < whole; i += LANES) {
                sum = sum.add(FloatVector.fromArray(F, x, at + i));
            }
            sum.intoArray(partial, lane);
        }
        for (int i = whole; i < length; i++) {
            partial[i % LANES] += x[at + i];
        }
        return ScalarDecode.sum(partial);
    }

    @Override
    public void activate(Nonlinearity function, float[] x, int at, int length) {
        int whole = F.loopBound(length);
        switch (function) {
            case SILU -> {
                for (int i = at; i < at + whole; i += L) {
                    FloatVector v = FloatVector.fromArray(F, x, i);
                    v.mul(sigmoid(v)).intoArray(x, i);
                }
            }
            case GELU -> {
                for (int i = at; i < at + whole; i += L) {
                    gelu(FloatVector.fromArray(F, x, i)).intoArray(x, i);
                }
            }
            case GELU_TANH -> {
                FloatVector linear = FloatVector.broadcast(F, FloatFunctions.TANH_LINEAR);
                for (int i = at; i < at + whole; i += L) {
                    FloatVector v = FloatVector.fromArray(F, x, i);
                    FloatVector inner = v.mul(v).fma(FloatVector.broadcast(F, FloatFunctions.TANH_CUBIC), linear);
                    v.mul(sigmoid(v.mul(inner))).intoArray(x, i);
                }
            }
            case RELU -> {
                for (int i = at; i < at + whole; i += L) {
                    FloatVector.fromArray(F, x, i).max(0).intoArray(x, i);
                }
            }
        }
        PLAIN.activate(function, x, at + whole, length - whole);
    }

    private static FloatVector sigmoid(FloatVector x) {
        return FloatVector.broadcast(F, 1).div(exp(x.neg()).add(1));
    }

    private static FloatVector gelu(FloatVector x) {
        FloatVector z = x.abs().mul(FloatFunctions.ROOT_OF_HALF);
        FloatVector one = FloatVector.broadcast(F, 1);
        FloatVector t = one.div(z.fma(FloatVector.broadcast(F, FloatFunctions.ERF_P), one));
        FloatVector p = FloatVector.broadcast(F, FloatFunctions.ERF[0]);
        for (int k = 1; k < FloatFunctions.ERF.length; k++) {
            p = p.fma(t, FloatVector.broadcast(F, FloatFunctions.ERF[k]));
        }
        FloatVector tail = p.mul(t).mul(exp(z.mul(z).neg())).mul(0.5f);
        return x.mul(one.sub(tail).blend(tail, x.compare(VectorOperators.LT, 0)));
    }

    /** {@link FloatExponential#of}, lane by lane. */
    private static FloatVector exp(FloatVector x) {
        FloatVector bounded = x.max(FloatExponential.LEAST).min(FloatExponential.LARGEST);
        FloatVector shifted = bounded.fma(
                FloatVector.broadcast(F, FloatExponential.PER_LN2), FloatVector.broadcast(F, FloatExponential.ROUNDER));
        FloatVector negative =
                FloatVector.broadcast(F, FloatExponential.ROUNDER).sub(shifted);
        FloatVector r = negative.fma(
                FloatVector.broadcast(F, FloatExponential.LN2_LOW),
                negative.fma(FloatVector.broadcast(F, FloatExponential.LN2_HIGH), bounded));
        FloatVector p = FloatVector.broadcast(F, FloatExponential.COEFFICIENTS[0]);
        for (int k = 1; k < FloatExponential.COEFFICIENTS.length; k++) {
            p = p.fma(r, FloatVector.broadcast(F, FloatExponential.COEFFICIENTS[k]));
        }
        IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, FloatExponential.EXPONENT_BIT);
        return p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    }

    @Override
    public void multiply(float[] x, int at, float[] y, int yAt, int length) {
        int whole = F.loopBound(length);
        for (int i = 0; i < whole; i += L) {
            FloatVector.fromArray(F, x, at + i)
                    .mul(FloatVector.fromArray(F, y, yAt + i))
                    .intoArray(x, at + i);
        }
        PLAIN.multiply(x, at + whole, y, yAt + whole, length - whole);
    }

    @Override
    public void add(float[] x, int at, float[] y, int yAt, int length) {
        int whole = F.loopBound(length);
        for (int i = 0; i < whole; i += L) {
            FloatVector.fromArray(F, x, at + i)
                    .add(FloatVector.fromArray(F, y, yAt + i))
                    .intoArray(x, at + i);
        }
        PLAIN.add(x, at + whole, y, yAt + whole, length - whole);
    }

    @Override
    public void cap(float[] x, int at, int length, float c) {
        int whole = F.loopBound(length);
        for (int i = at; i < at + whole; i += L) {
            FloatVector twice = FloatVector.fromArray(F, x, i).div(c).mul(2);
            FloatVector fraction = FloatVector.broadcast(F, 2).div(exp(twice).add(1));
            FloatVector.broadcast(F, 1).sub(fraction).mul(c).intoArray(x, i);
        }
        PLAIN.cap(x, at + whole, length - whole, c);
    }

    @Override
    public float softmaxTerms(float[] x, int at, int begin, int from, int to, int end) {
        float largest = largest(x, at + from, to - from);
        float[] partial = new float[LANES];
        for (int lane = 0; lane < LANES; lane += L) {
            FloatVector sum = FloatVector.zero(F);
            for (int i = begin + lane; i < end; i += LANES) {
                if (i + L <= from || i >= to) {
                    FloatVector.zero(F).intoArray(x, at + i);
                    continue;
                }
                FloatVector terms = exp(FloatVector.fromArray(F, x, at + i).sub(largest));
                if (i < from || i + L > to) {
                    VectorMask<Float> inside = F.indexInRange(i - from, to - from);
                    terms = FloatVector.zero(F).blend(terms, inside);
                }
                terms.intoArray(x, at + i);
                sum = sum.add(terms);
            }
            sum.intoArray(partial, lane);
        }
        return ScalarDecode.sum(partial);
    }

    private static float largest(float[] x, int at, int length) {
        int whole = F.loopBound(length);
        float largest = Float.NEGATIVE_INFINITY;
        if (whole > 0) {
            FloatVector most = FloatVector.fromArray(F, x, at);
            for (int i = L; i < whole; i += L) {
                most = most.max(FloatVector.fromArray(F, x, at + i));
            }
            largest = most.reduceLanes(VectorOperators.MAX);
        }
        for (int i = whole; i < length; i++) {
            largest = Math.max(largest, x[at + i]);
        }
        return largest;
    }

    @Override
    public void turn(float[] x, int at, int half, float[] cos, float[] sin, int tableAt) {
        int whole = F.loopBound(half);
        for (int i = 0; i < whole; i += L) {
            FloatVector a = FloatVector.fromArray(F, x, at + i);
            FloatVector b = FloatVector.fromArray(F, x, at + half + i);
            FloatVector c = FloatVector.fromArray(F, cos, tableAt + i);
            FloatVector s = FloatVector.fromArray(F, sin, tableAt + i);
            b.neg().fma(s, a.mul(c)).intoArray(x, at + i);
            b.fma(c, a.mul(s)).intoArray(x, at + half + i);
        }
        for (int i = whole; i < half; i++) {
            ScalarDecode.turnPair(x, at + i, at + half + i, cos[tableAt + i], sin[tableAt + i]);
        }
    }

    @Override
    public void widen(short[] halves, int at, float[] x, int xAt, int length) {
        int whole = F.loopBound(length);
        for (int i = 0; i < whole; i += L) {
            IntVector bits =
                    (IntVector) ShortVector.fromArray(H, halves, at + i).castShape(I, 0);
            bits.lanewise(VectorOperators.LSHL, ScalarDecode.HALF_SHIFT)
                    .and(ScalarDecode.HALF_MASK)
                    .reinterpretAsFloats()
                    .mul(ScalarDecode.HALF_FACTOR)
                    .intoArray(x, xAt + i);
        }
        PLAIN.widen(halves, at + whole, x, xAt + whole, length - whole);
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
        int pairs = n - n % (2 * L);
        int whole = F.loopBound(n);
        for (int j = 0; j < pairs; j += 2 * L) {
            int i = 0;
            for (; i <= m - 4; i += 4) {
                tile4(c, cAt + i * cStride + j, cStride, a, aAt + i * aStride, aStride, b, bAt + j, bStride, k);
            }
            // What is left of four rows is kept together: alone, a row waits for its own additions.
            switch (m - i) {
                case 3 ->
                    tile3(c, cAt + i * cStride + j, cStride, a, aAt + i * aStride, aStride, b, bAt + j, bStride, k);
                case 2 ->
                    tile2(c, cAt + i * cStride + j, cStride, a, aAt + i * aStride, aStride, b, bAt + j, bStride, k);
                case 1 -> tile1(c, cAt + i * cStride + j, a, aAt + i * aStride, b, bAt + j, bStride, k);
                default -> {}
            }
        }
        for (int j = pairs; j < whole; j += L) {
            for (int i = 0; i < m; i++) {
                column(c, cAt + i * cStride + j, a, aAt + i * aStride, b, bAt + j, bStride, k);
            }
        }
        if (whole < n) {
            PLAIN.addProduct(c, cAt + whole, cStride, a, aAt, aStride, b, bAt + whole, bStride, m, n - whole, k);
        }
    }

    private static void tile4(
            float[] c, int cAt, int cStride, float[] a, int aAt, int aStride, float[] b, int bAt, int bStride, int k) {
        int second = cAt + cStride;
        int third = second + cStride;
        int fourth = third + cStride;
        FloatVector c00 = FloatVector.fromArray(F, c, cAt);
        FloatVector c01 = FloatVector.fromArray(F, c, cAt + L);
        FloatVector c10 = FloatVector.fromArray(F, c, second);
        FloatVector c11 = FloatVector.fromArray(F, c, second + L);
        FloatVector c20 = FloatVector.fromArray(F, c, third);
        FloatVector c21 = FloatVector.fromArray(F, c, third + L);
        FloatVector c30 = FloatVector.fromArray(F, c, fourth);
        FloatVector c31 = FloatVector.fromArray(F, c, fourth + L);
        for (int l = 0; l < k; l++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bAt + l * bStride);
            FloatVector b1 = FloatVector.fromArray(F, b, bAt + l * bStride + L);
            FloatVector a0 = FloatVector.broadcast(F, a[aAt + l]);
            FloatVector a1 = FloatVector.broadcast(F, a[aAt + aStride + l]);
            FloatVector a2 = FloatVector.broadcast(F, a[aAt + 2 * aStride + l]);
            FloatVector a3 = FloatVector.broadcast(F, a[aAt + 3 * aStride + l]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + L);
        c10.intoArray(c, second);
        c11.intoArray(c, second + L);
        c20.intoArray(c, third);
        c21.intoArray(c, third + L);
        c30.intoArray(c, fourth);
        c31.intoArray(c, fourth + L);
    }

    private static void tile3(
            float[] c, int cAt, int cStride, float[] a, int aAt, int aStride, float[] b, int bAt, int bStride, int k) {
        int second = cAt + cStride;
        int third = second + cStride;
        FloatVector c00 = FloatVector.fromArray(F, c, cAt);
        FloatVector c01 = FloatVector.fromArray(F, c, cAt + L);
        FloatVector c10 = FloatVector.fromArray(F, c, second);
        FloatVector c11 = FloatVector.fromArray(F, c, second + L);
        FloatVector c20 = FloatVector.fromArray(F, c, third);
        FloatVector c21 = FloatVector.fromArray(F, c, third + L);
        for (int l = 0; l < k; l++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bAt + l * bStride);
            FloatVector b1 = FloatVector.fromArray(F, b, bAt + l * bStride + L);
            FloatVector a0 = FloatVector.broadcast(F, a[aAt + l]);
            FloatVector a1 = FloatVector.broadcast(F, a[aAt + aStride + l]);
            FloatVector a2 = FloatVector.broadcast(F, a[aAt + 2 * aStride + l]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + L);
        c10.intoArray(c, second);
        c11.intoArray(c, second + L);
        c20.intoArray(c, third);
        c21.intoArray(c, third + L);
    }

    private static void tile2(
            float[] c, int cAt, int cStride, float[] a, int aAt, int aStride, float[] b, int bAt, int bStride, int k) {
        int second = cAt + cStride;
        FloatVector c00 = FloatVector.fromArray(F, c, cAt);
        FloatVector c01 = FloatVector.fromArray(F, c, cAt + L);
        FloatVector c10 = FloatVector.fromArray(F, c, second);
        FloatVector c11 = FloatVector.fromArray(F, c, second + L);
        for (int l = 0; l < k; l++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bAt + l * bStride);
            FloatVector b1 = FloatVector.fromArray(F, b, bAt + l * bStride + L);
            FloatVector a0 = FloatVector.broadcast(F, a[aAt + l]);
            FloatVector a1 = FloatVector.broadcast(F, a[aAt + aStride + l]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + L);
        c10.intoArray(c, second);
        c11.intoArray(c, second + L);
    }

    private static void tile1(float[] c, int cAt, float[] a, int aAt, float[] b, int bAt, int bStride, int k) {
        FloatVector c0 = FloatVector.fromArray(F, c, cAt);
        FloatVector c1 = FloatVector.fromArray(F, c, cAt + L);
        for (int l = 0; l < k; l++) {
            FloatVector a0 = FloatVector.broadcast(F, a[aAt + l]);
            c0 = a0.fma(FloatVector.fromArray(F, b, bAt + l * bStride), c0);
            c1 = a0.fma(FloatVector.fromArray(F, b, bAt + l * bStride + L), c1);
        }
        c0.intoArray(c, cAt);
        c1.intoArray(c, cAt + L);
    }

    private static void column(float[] c, int cAt, float[] a, int aAt, float[] b, int bAt, int bStride, int k) {
        FloatVector sum = FloatVector.fromArray(F, c, cAt);
        for (int l = 0; l < k; l++) {
            sum = FloatVector.broadcast(F, a[aAt + l]).fma(FloatVector.fromArray(F, b, bAt + l * bStride), sum);
        }
        sum.intoArray(c, cAt);
    }
}
