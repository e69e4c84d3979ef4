package dev.halftone.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** What {@link Kernels} does with columns whose rows stand side by side, in vectors. */
final class VectorColumns {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());

    /** Values that four vectors hold: enough sums to hide the latency of the fused multiply-add. */
    private static final int WIDTH = 4 * F.length();

    private VectorColumns() {}

    static void addCombination(
            float[] target, int at, float[] factors, int from, float[] columns, int columnsAt, int count, int length) {
        int j = 0;
        for (; j <= length - WIDTH; j += WIDTH) {
            addFour(target, at + j, factors, from, columns, columnsAt + j, count, length);
        }
        for (; j <= length - F.length(); j += F.length()) {
            FloatVector sum = FloatVector.fromArray(F, target, at + j);
            for (int i = 0; i < count; i++) {
                sum = FloatVector.broadcast(F, factors[from + i])
                        .fma(FloatVector.fromArray(F, columns, columnsAt + i * length + j), sum);
            }
            sum.intoArray(target, at + j);
        }
        for (; j < length; j++) {
            target[at + j] =
                    ScalarKernels.combined(target[at + j], factors, from, columns, columnsAt + j, count, length);
        }
    }

    private static void addFour(
            float[] target, int at, float[] factors, int from, float[] columns, int columnsAt, int count, int stride) {
        int w = F.length();
        FloatVector s0 = FloatVector.fromArray(F, target, at);
        FloatVector s1 = FloatVector.fromArray(F, target, at + w);
        FloatVector s2 = FloatVector.fromArray(F, target, at + 2 * w);
        FloatVector s3 = FloatVector.fromArray(F, target, at + 3 * w);
        for (int i = 0; i < count; i++) {
            FloatVector factor = FloatVector.broadcast(F, factors[from + i]);
            int column = columnsAt + i * stride;
            s0 = factor.fma(FloatVector.fromArray(F, columns, column), s0);
            s1 = factor.fma(FloatVector.fromArray(F, columns, column + w), s1);
            s2 = factor.fma(FloatVector.fromArray(F, columns, column + 2 * w), s2);
            s3 = factor.fma(FloatVector.fromArray(F, columns, column + 3 * w), s3);
        }
        s0.intoArray(target, at);
        s1.intoArray(target, at + w);
        s2.intoArray(target, at + 2 * w);
        s3.intoArray(target, at + 3 * w);
    }

    static void round(float[] w, int at, LevelColumns levels, int from, int[] codes, int length) {
        float lowest = levels.lowest();
        float largest = levels.largest();
        int j = 0;
        for (; j <= length - F.length(); j += F.length()) {
            FloatVector scale = FloatVector.fromArray(F, levels.scales(), from + j);
            FloatVector offset = FloatVector.fromArray(F, levels.offsets(), from + j);
            FloatVector zero = FloatVector.fromArray(F, levels.zeros(), from + j);
            FloatVector code = FloatVector.fromArray(F, w, at + j)
                    .sub(offset)
                    .div(scale)
                    .add(VectorKernels.ROUNDER)
                    .sub(VectorKernels.ROUNDER)
                    .add(zero)
                    .max(lowest)
                    .min(largest);
            code.sub(zero).mul(scale).add(offset).intoArray(w, at + j);
            ((IntVector) code.convertShape(VectorOperators.F2I, I, 0)).intoArray(codes, j);
        }
        ScalarKernels.round(w, at, levels, from, codes, j, length);
    }
}
