package dev.halftone.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The Vector API at the machine's preferred width. */
final class VectorKernels implements Kernels {
    private static final VectorSpecies<Float> F = widest();
    private static final VectorSpecies<Double> D = DoubleVector.SPECIES_PREFERRED;
    /** At most {@link #DOUBLE_LANES} doubles, and as many floats. */
    private static final VectorSpecies<Double> S = D.length() > DOUBLE_LANES ? DoubleVector.SPECIES_512 : D;

    private static final VectorSpecies<Float> HALF =
            VectorSpecies.of(float.class, VectorShape.forBitSize(S.vectorBitSize() / 2));
    private static final VectorSpecies<Integer> HALF_BITS = VectorSpecies.of(int.class, HALF.vectorShape());
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final Kernels PLAIN = new ScalarKernels();
    /** 1.5 * 2^23: adding and subtracting it rounds a float below 2^22 half to even. */
    static final float ROUNDER = 0x1.8p23f;

    /** Lanes must divide LANES: a wider machine than 512 bits uses 512. */
    private static VectorSpecies<Float> widest() {
        return FloatVector.SPECIES_PREFERRED.length() > LANES ? FloatVector.SPECIES_512 : FloatVector.SPECIES_PREFERRED;
    }

    @Override
    public String name() {
        return "vector-" + F.vectorBitSize();
    }

    @Override
    public float roundError(float[] w, int at, float[] weight, int weightAt, int length, Levels levels) {
        float[] partial = new float[LANES];
        int whole = length - length % LANES;
        for (int lane = 0; lane < LANES; lane += F.length()) {
            FloatVector sum = FloatVector.zero(F);
            for (int i = lane; i < whole; i += LANES) {
                FloatVector error = roundingError(FloatVector.fromArray(F, w, at + i), levels);
                sum = error.mul(FloatVector.fromArray(F, weight, weightAt + i)).fma(error, sum);
            }
            sum.intoArray(partial, lane);
        }
        for (int i = whole; i < length; i++) {
            int lane = i % LANES;
            partial[lane] = ScalarKernels.roundErrorTerm(w[at + i], weight[weightAt + i], levels, partial[lane]);
        }
        return ScalarKernels.sum(partial);
    }

    @Override
    public float roundErrorPower(
            float[] w, int at, float[] weight, int weightAt, int length, Levels levels, float power, float unit) {
        float[] partial = new float[LANES];
        int whole = length - length % LANES;
        for (int lane = 0; lane < LANES; lane += F.length()) {
            FloatVector sum = FloatVector.zero(F);
            for (int i = lane; i < whole; i += LANES) {
                FloatVector error = roundingError(FloatVector.fromArray(F, w, at + i), levels);
                sum = power(error.abs().mul(unit), power).fma(FloatVector.fromArray(F, weight, weightAt + i), sum);
            }
            sum.intoArray(partial, lane);
        }
        for (int i = whole; i < length; i++) {
            int lane = i % LANES;
            partial[lane] = ScalarKernels.roundErrorPowerTerm(
                    w[at + i], weight[weightAt + i], levels, power, unit, partial[lane]);
        }
        return ScalarKernels.sum(partial);
    }

    private static FloatVector roundingError(FloatVector w, Levels levels) {
        float offset = levels.offset();
        float scale = levels.scale();
        float zero = levels.zero();
        // Most grids have no offset, and the loop is bound by what it does to each vector.
        FloatVector quotient = offset == 0 ? w.div(scale) : w.sub(offset).div(scale);
        FloatVector steps = quotient.add(ROUNDER)
                .sub(ROUNDER)
                .add(zero)
                .max(levels.lowest())
                .min(levels.largest())
                .sub(zero)
                .mul(scale);
        return w.sub(offset == 0 ? steps : steps.add(offset));
    }

    /** {@link Power#of}, lane by lane. */
    private static FloatVector power(FloatVector x, float p) {
        IntVector bits = x.reinterpretAsInts();
        IntVector exponent = bits.sub(Power.ROOT_OF_HALF).lanewise(VectorOperators.ASHR, Power.EXPONENT_BIT);
        FloatVector m = bits.sub(exponent.lanewise(VectorOperators.LSHL, Power.EXPONENT_BIT))
                .reinterpretAsFloats();
        FloatVector r = m.sub(1f).div(m.add(1f));
        FloatVector square = r.mul(r);
        FloatVector logarithm = FloatVector.broadcast(F, Power.LOGARITHM[0]);
        for (int k = 1; k < Power.LOGARITHM.length; k++) {
            logarithm = logarithm.fma(square, FloatVector.broadcast(F, Power.LOGARITHM[k]));
        }
        FloatVector bounded = logarithm
                .mul(r)
                .fma(FloatVector.broadcast(F, Power.PER_LN2), (FloatVector)
                        exponent.convertShape(VectorOperators.I2F, F, 0))
                .mul(p)
                .max(Power.LEAST)
                .min(Power.LARGEST);
        FloatVector shifted = bounded.add(Power.ROUNDER);
        FloatVector rest = bounded.sub(shifted.sub(Power.ROUNDER));
        FloatVector result = FloatVector.broadcast(F, Power.EXPONENTIAL[0]);
        for (int k = 1; k < Power.EXPONENTIAL.length; k++) {
            result = result.fma(rest, FloatVector.broadcast(F, Power.EXPONENTIAL[k]));
        }
        return result.reinterpretAsInts()
                .add(shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, Power.EXPONENT_BIT))
                .reinterpretAsFloats();
    }

    @Override
    public void subtractScaled(double[] target, int at, double factor, double[] row, int from, int length) {
        DoubleVector negative = DoubleVector.broadcast(D, -factor);
        int j = 0;
        for (; j <= length - D.length(); j += D.length()) {
            negative.fma(DoubleVector.fromArray(D, row, from + j), DoubleVector.fromArray(D, target, at + j))
                    .intoArray(target, at + j);
        }
        for (; j < length; j++) {
            target[at + j] = Math.fma(-factor, row[from + j], target[at + j]);
        }
    }

    @Override
    public void addProduct(
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
            int k) {
        VectorProduct.add(c, cAt, cStride, a, aAt, aStride, b, bAt, bStride, m, n, k);
    }

    @Override
    public void addCombination(
            float[] target, int at, float[] factors, int from, float[] columns, int columnsAt, int count, int length) {
        VectorColumns.addCombination(target, at, factors, from, columns, columnsAt, count, length);
    }

    @Override
    public void round(float[] w, int at, LevelColumns levels, int from, int[] codes, int length) {
        VectorColumns.round(w, at, levels, from, codes, length);
    }

    @Override
    public int argMax(float[] x, int at, int length) {
        int whole = F.loopBound(length);
        float largest = Float.NEGATIVE_INFINITY;
        if (whole > 0) {
            FloatVector most = FloatVector.fromArray(F, x, at);
            for (int i = F.length(); i < whole; i += F.length()) {
                most = most.max(FloatVector.fromArray(F, x, at + i));
            }
            largest = most.reduceLanes(VectorOperators.MAX);
        }
        for (int i = whole; i < length; i++) {
            largest = Math.max(largest, x[at + i]);
        }
        for (int i = 0; i < length; i++) {
            if (x[at + i] == largest) {
                return i;
            }
        }
        return 0;
    }

    @Override
    public double logSumExp(float[] x, int at, int length) {
        float largest = x[at + argMax(x, at, length)];
        double[] partial = new double[DOUBLE_LANES];
        int whole = length - length % DOUBLE_LANES;
        for (int lane = 0; lane < DOUBLE_LANES; lane += S.length()) {
            DoubleVector sum = DoubleVector.zero(S);
            for (int i = lane; i < whole; i += DOUBLE_LANES) {
                sum = sum.add(exp(wide(x, at + i).sub(largest)));
            }
            sum.intoArray(partial, lane);
        }
        for (int i = whole; i < length; i++) {
            partial[i % DOUBLE_LANES] += Exponential.of((double) x[at + i] - largest);
        }
        return largest + Math.log(ScalarKernels.sum(partial));
    }

    @Override
    public double divergence(float[] p, double pNorm, float[] q, double qNorm, int length) {
        double[] partial = new double[DOUBLE_LANES];
        int whole = length - length % DOUBLE_LANES;
        for (int lane = 0; lane < DOUBLE_LANES; lane += S.length()) {
            DoubleVector sum = DoubleVector.zero(S);
            for (int i = lane; i < whole; i += DOUBLE_LANES) {
                DoubleVector logP = wide(p, i).sub(pNorm);
                sum = exp(logP).fma(logP.sub(wide(q, i).sub(qNorm)), sum);
            }
            sum.intoArray(partial, lane);
        }
        for (int i = whole; i < length; i++) {
            int lane = i % DOUBLE_LANES;
            partial[lane] = ScalarKernels.divergenceTerm(p[i] - pNorm, q[i] - qNorm, partial[lane]);
        }
        return ScalarKernels.sum(partial);
    }

    private static DoubleVector wide(float[] x, int at) {
        return (DoubleVector) FloatVector.fromArray(HALF, x, at).castShape(S, 0);
    }

    /** {@link Exponential#of}, lane by lane. */
    private static DoubleVector exp(DoubleVector x) {
        DoubleVector bounded = x.max(Exponential.LEAST);
        DoubleVector shifted = bounded.fma(
                DoubleVector.broadcast(S, Exponential.PER_LN2), DoubleVector.broadcast(S, Exponential.ROUNDER));
        DoubleVector negative = DoubleVector.broadcast(S, Exponential.ROUNDER).sub(shifted);
        DoubleVector r = negative.fma(
                DoubleVector.broadcast(S, Exponential.LN2_LOW),
                negative.fma(DoubleVector.broadcast(S, Exponential.LN2_HIGH), bounded));
        DoubleVector p = DoubleVector.broadcast(S, Exponential.COEFFICIENTS[0]);
        for (int k = 1; k < Exponential.COEFFICIENTS.length; k++) {
            p = p.fma(r, DoubleVector.broadcast(S, Exponential.COEFFICIENTS[k]));
        }
        LongVector exponent = shifted.reinterpretAsLongs().lanewise(VectorOperators.LSHL, 52);
        return p.reinterpretAsLongs().add(exponent).reinterpretAsDoubles();
    }

    @Override
    public void widenBfloat16(byte[] source, float[] target, int count) {
        int i = 0;
        for (; i <= count - F.length(); i += F.length()) {
            IntVector wide = (IntVector) ByteVector.fromArray(BYTES, source, 2 * i)
                    .reinterpretAsShorts()
                    .castShape(I, 0);
            wide.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(target, i);
        }
        ScalarKernels.widenBfloat16(source, target, i, count);
    }

    @Override
    public int range(float[] x, int at, int length, int group, int[] range) {
        int whole = length - length % group;
        int zeroGroups = 0;
        IntVector magnitude = IntVector.zero(I);
        IntVector low = IntVector.broadcast(I, Integer.MAX_VALUE);
        IntVector high = IntVector.broadcast(I, Integer.MIN_VALUE);
        for (int from = 0; from < whole; from += group) {
            IntVector inGroup = IntVector.zero(I);
            for (int i = from; i < from + group; i += I.length()) {
                IntVector bits = FloatVector.fromArray(F, x, at + i).reinterpretAsInts();
                IntVector key = bits.lanewise(
                        VectorOperators.XOR,
                        bits.lanewise(VectorOperators.ASHR, 31).and(0x7FFF_FFFF));
                inGroup = inGroup.max(bits.and(0x7FFF_FFFF));
                low = low.min(key);
                high = high.max(key);
            }
            magnitude = magnitude.max(inGroup);
            zeroGroups += inGroup.compare(VectorOperators.EQ, 0).allTrue() ? 1 : 0;
        }
        range[0] = Math.max(range[0], magnitude.reduceLanes(VectorOperators.MAX));
        range[1] = Math.min(range[1], low.reduceLanes(VectorOperators.MIN));
        range[2] = Math.max(range[2], high.reduceLanes(VectorOperators.MAX));
        PLAIN.range(x, at + whole, length - whole, group, range);
        return zeroGroups;
    }

    @Override
    public void rowMoments(float[] x, int at, int length, double[] result) {
        double[] sum = new double[DOUBLE_LANES];
        double[] sumAbs = new double[DOUBLE_LANES];
        double[] squares = new double[DOUBLE_LANES];
        double largest = 0;
        int whole = length - length % DOUBLE_LANES;
        for (int lane = 0; lane < DOUBLE_LANES; lane += S.length()) {
            DoubleVector s = DoubleVector.zero(S);
            DoubleVector a = DoubleVector.zero(S);
            DoubleVector q = DoubleVector.zero(S);
            IntVector high = IntVector.zero(HALF_BITS);
            for (int i = lane; i < whole; i += DOUBLE_LANES) {
                FloatVector narrow = FloatVector.fromArray(HALF, x, at + i);
                DoubleVector value = (DoubleVector) narrow.castShape(S, 0);
                s = s.add(value);
                a = a.add(value.abs());
                q = value.fma(value, q);
                // Magnitudes order as their bits do, and integers need no care for NaN and -0.
                high = high.max(narrow.reinterpretAsInts().and(0x7FFF_FFFF));
            }
            s.intoArray(sum, lane);
            a.intoArray(sumAbs, lane);
            q.intoArray(squares, lane);
            largest = Math.max(largest, Float.intBitsToFloat(high.reduceLanes(VectorOperators.MAX)));
        }
        for (int i = whole; i < length; i++) {
            int lane = i % DOUBLE_LANES;
            double value = x[at + i];
            sum[lane] += value;
            sumAbs[lane] += Math.abs(value);
            squares[lane] = Math.fma(value, value, squares[lane]);
            largest = Math.max(largest, Math.abs(value));
        }
        double mean = ScalarKernels.sum(sum) / length;
        result[0] = mean;
        result[4] = ScalarKernels.sum(sumAbs);
        result[5] = ScalarKernels.sum(squares);
        result[6] = largest;
        centralMoments(x, at, length, mean, result);
    }

    private static void centralMoments(float[] x, int at, int length, double mean, double[] result) {
        double[] second = new double[DOUBLE_LANES];
        double[] third = new double[DOUBLE_LANES];
        double[] fourth = new double[DOUBLE_LANES];
        int whole = length - length % DOUBLE_LANES;
        for (int lane = 0; lane < DOUBLE_LANES; lane += S.length()) {
            DoubleVector m2 = DoubleVector.zero(S);
            DoubleVector m3 = DoubleVector.zero(S);
            DoubleVector m4 = DoubleVector.zero(S);
            for (int i = lane; i < whole; i += DOUBLE_LANES) {
                DoubleVector d = wide(x, at + i).sub(mean);
                DoubleVector square = d.mul(d);
                m2 = m2.add(square);
                m3 = square.fma(d, m3);
                m4 = square.fma(square, m4);
            }
            m2.intoArray(second, lane);
            m3.intoArray(third, lane);
            m4.intoArray(fourth, lane);
        }
        ScalarKernels.centralTerms(x, at, whole, length, mean, second, third, fourth);
        result[1] = ScalarKernels.sum(second);
        result[2] = ScalarKernels.sum(third);
        result[3] = ScalarKernels.sum(fourth);
    }

    @Override
    public void columnSums(
            float[] x,
            int at,
            int rows,
            int columns,
            float[] low,
            float[] high,
            double[] sum,
            double[] sumAbs,
            double[] sumSquares) {
        int c = 0;
        // A column's five figures stay in registers for all rows.
        for (; c <= columns - S.length(); c += S.length()) {
            FloatVector min = FloatVector.fromArray(HALF, low, c);
            FloatVector max = FloatVector.fromArray(HALF, high, c);
            DoubleVector s = DoubleVector.fromArray(S, sum, c);
            DoubleVector a = DoubleVector.fromArray(S, sumAbs, c);
            DoubleVector q = DoubleVector.fromArray(S, sumSquares, c);
            for (int t = 0; t < rows; t++) {
                FloatVector narrow = FloatVector.fromArray(HALF, x, at + t * columns + c);
                min = min.blend(narrow, narrow.compare(VectorOperators.LT, min));
                max = max.blend(narrow, narrow.compare(VectorOperators.GT, max));
                DoubleVector value = (DoubleVector) narrow.castShape(S, 0);
                s = s.add(value);
                a = a.add(value.abs());
                q = value.fma(value, q);
            }
            min.intoArray(low, c);
            max.intoArray(high, c);
            s.intoArray(sum, c);
            a.intoArray(sumAbs, c);
            q.intoArray(sumSquares, c);
        }
        ScalarKernels.columnSums(x, at, rows, columns, c, low, high, sum, sumAbs, sumSquares);
    }

    @Override
    public void walshHadamard(float[] x, int at, int length) {
        VectorHadamard.transform(x, at, length);
    }

    @Override
    public double largestMoved(double[] d, double[] a, int i, double f, int j, double g, int length, double limit) {
        double largest = 0;
        int block = 0;
        for (; block <= length - MOVED_BLOCK && !(largest > limit); block += MOVED_BLOCK) {
            DoubleVector most = DoubleVector.zero(D);
            for (int k = block; k < block + MOVED_BLOCK; k += D.length()) {
                DoubleVector up = DoubleVector.fromArray(D, a, i + k)
                        .fma(DoubleVector.broadcast(D, f), DoubleVector.fromArray(D, d, k));
                most = most.max(DoubleVector.fromArray(D, a, j + k)
                        .fma(DoubleVector.broadcast(D, g), up)
                        .abs());
            }
            largest = Math.max(largest, most.reduceLanes(VectorOperators.MAX));
        }
        return ScalarKernels.largestMoved(d, a, i, f, j, g, block, length, largest, limit);
    }
}
