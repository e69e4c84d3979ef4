package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.TILE;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products with codes at one vector width, a hidden class for each ({@link TileChoice}). A method a code width; each does some rows, as
 * many as a vector has ints, by one token. All that is a vector stays a local variable: one that outlives its method becomes an object.
 */
final class VectorCodes implements CodeKernels {
    private static final VectorShape SHAPE = VectorShape.forBitSize(TileChoice.bits(MethodHandles.lookup()));
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
    private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, SHAPE);
    /** Rows of a vector. */
    private static final int L = I.length();
    /** Bytes from a word to the next. */
    private static final int WORD = TILE * Integer.BYTES;

    @Override
    public void dot(
            CodeWidth width,
            int parts,
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int from,
            int blocks,
            float[] scales,
            float[] sums) {
        for (int t = 0; t < x.tokens(); t++) {
            int block = t * x.blocks() + from;
            for (int row = 0; row < TILE; row += L) {
                long w = at + (long) row * Integer.BYTES;
                int y = t * TILE + row;
                switch (width) {
                    case TWO -> two(zero, codes, w, x, block, blocks, scales, row, sums, y);
                    case THREE -> three(zero, codes, w, x, block, blocks, scales, row, sums, y);
                    case FOUR -> {
                        if (parts == 1) {
                            four(zero, codes, w, x, block, blocks, scales, row, sums, y);
                        } else {
                            fourByHalves(zero, codes, w, x, block, blocks, scales, row, sums, y);
                        }
                    }
                    case FIVE -> five(zero, codes, w, x, block, blocks, scales, row, sums, y);
                    case SIX -> six(zero, codes, w, x, block, blocks, scales, row, sums, y);
                    case EIGHT -> eight(zero, codes, w, x, block, blocks, scales, row, sums, y);
                }
            }
        }
    }

    private static void two(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int block,
            int blocks,
            float[] scales,
            int row,
            float[] sums,
            int y) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        FloatVector sum = FloatVector.fromArray(F, sums, y);
        for (int h = 0; h < 2 * blocks; h++) {
            int i = (2 * block + h) * 8;
            ShortVector v = words(codes, at + (long) h * WORD);
            ShortVector s = times(v, terms[i])
                    .add(times(shift(v, 2), terms[i + 1]))
                    .add(times(shift(v, 4), terms[i + 2]))
                    .add(times(shift(v, 6), terms[i + 3]))
                    .add(times(shift(v, 8), terms[i + 4]))
                    .add(times(shift(v, 10), terms[i + 5]))
                    .add(times(shift(v, 12), terms[i + 6]))
                    .add(times(shift(v, 14), terms[i + 7]));
            FloatVector scale = FloatVector.fromArray(F, scales, h * TILE + row).mul(d[block + h / 2]);
            sum = floats(widen(s).sub(zero * xSums[2 * block + h])).fma(scale, sum);
        }
        sum.intoArray(sums, y);
    }

    private static void three(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int block,
            int blocks,
            float[] scales,
            int row,
            float[] sums,
            int y) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        FloatVector sum = FloatVector.fromArray(F, sums, y);
        long w = at;
        int i = block * 18;
        for (int b = 0; b < blocks; b++) {
            ShortVector s = ShortVector.zero(S);
            for (int word = 0; word < 3; word++) {
                ShortVector v = words(codes, w);
                s = s.add(times(v, terms[i]))
                        .add(times(shift(v, 3), terms[i + 1]))
                        .add(times(shift(v, 6), terms[i + 2]))
                        .add(times(shift(v, 9), terms[i + 3]))
                        .add(times(shift(v, 12), terms[i + 4]))
                        .add(times(shift(v, 15), terms[i + 5]));
                w += WORD;
                i += 6;
            }
            int offset = zero * (xSums[2 * (block + b)] + xSums[2 * (block + b) + 1]);
            FloatVector scale = FloatVector.fromArray(F, scales, b * TILE + row).mul(d[block + b]);
            sum = floats(widen(s).sub(offset)).fma(scale, sum);
        }
        sum.intoArray(sums, y);
    }

    private static void four(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int block,
            int blocks,
            float[] scales,
            int row,
            float[] sums,
            int y) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        FloatVector sum = FloatVector.fromArray(F, sums, y);
        long w = at;
        int i = block * 16;
        for (int b = 0; b < blocks; b++) {
            ShortVector s = ShortVector.zero(S);
            for (int word = 0; word < 4; word++) {
                ShortVector v = words(codes, w);
                s = s.add(times(v, terms[i]))
                        .add(times(shift(v, 4), terms[i + 1]))
                        .add(times(shift(v, 8), terms[i + 2]))
                        .add(times(shift(v, 12), terms[i + 3]));
                w += WORD;
                i += 4;
            }
            int offset = zero * (xSums[2 * (block + b)] + xSums[2 * (block + b) + 1]);
            FloatVector scale = FloatVector.fromArray(F, scales, b * TILE + row).mul(d[block + b]);
            sum = floats(widen(s).sub(offset)).fma(scale, sum);
        }
        sum.intoArray(sums, y);
    }

    private static void fourByHalves(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int block,
            int blocks,
            float[] scales,
            int row,
            float[] sums,
            int y) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        FloatVector sum = FloatVector.fromArray(F, sums, y);
        for (int h = 0; h < 2 * blocks; h++) {
            int i = (2 * block + h) * 8;
            ShortVector v = words(codes, at + 2L * h * WORD);
            ShortVector u = words(codes, at + (2L * h + 1) * WORD);
            ShortVector s = times(v, terms[i])
                    .add(times(shift(v, 4), terms[i + 1]))
                    .add(times(shift(v, 8), terms[i + 2]))
                    .add(times(shift(v, 12), terms[i + 3]))
                    .add(times(u, terms[i + 4]))
                    .add(times(shift(u, 4), terms[i + 5]))
                    .add(times(shift(u, 8), terms[i + 6]))
                    .add(times(shift(u, 12), terms[i + 7]));
            FloatVector scale = FloatVector.fromArray(F, scales, h * TILE + row).mul(d[block + h / 2]);
            sum = floats(widen(s).sub(zero * xSums[2 * block + h])).fma(scale, sum);
        }
        sum.intoArray(sums, y);
    }

    private static void five(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int block,
            int blocks,
            float[] scales,
            int row,
            float[] sums,
            int y) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        FloatVector sum = FloatVector.fromArray(F, sums, y);
        long w = at;
        int i = block * 21;
        for (int b = 0; b < blocks; b++) {
            ShortVector s = pairs(terms[i++]);
            for (int word = 0; word < 5; word++) {
                ShortVector v = words(codes, w);
                s = s.add(times(v, terms[i]))
                        .add(times(shift(v, 5), terms[i + 1]))
                        .add(times(shift(v, 10), terms[i + 2]))
                        .add(times(shift(v, 15), terms[i + 3]));
                w += WORD;
                i += 4;
            }
            int offset = zero * (xSums[2 * (block + b)] + xSums[2 * (block + b) + 1]);
            FloatVector scale = FloatVector.fromArray(F, scales, b * TILE + row).mul(d[block + b]);
            sum = floats(widen(s).sub(offset)).fma(scale, sum);
        }
        sum.intoArray(sums, y);
    }

    private static void six(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int block,
            int blocks,
            float[] scales,
            int row,
            float[] sums,
            int y) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        FloatVector sum = FloatVector.fromArray(F, sums, y);
        long w = at;
        int i = block * 22;
        for (int h = 0; h < 2 * blocks; h++) {
            ShortVector u = words(codes, w);
            ShortVector v = words(codes, w + WORD);
            ShortVector z = words(codes, w + 2 * WORD);
            ShortVector s = pairs(terms[i])
                    .add(times(u, terms[i + 1]))
                    .add(times(shift(u, 6), terms[i + 2]))
                    .add(times(shift(u, 12), terms[i + 3]))
                    .add(times(v, terms[i + 4]))
                    .add(times(shift(v, 6), terms[i + 5]))
                    .add(times(shift(v, 12), terms[i + 6]))
                    .add(times(z, terms[i + 7]))
                    .add(times(shift(z, 6), terms[i + 8]))
                    .add(times(shift(z, 12), terms[i + 9]))
                    .add(times(shift(z, 14), terms[i + 10]));
            FloatVector scale = FloatVector.fromArray(F, scales, h * TILE + row).mul(d[block + h / 2]);
            sum = floats(widen(s).sub(zero * xSums[2 * block + h])).fma(scale, sum);
            w += 3 * WORD;
            i += 11;
        }
        sum.intoArray(sums, y);
    }

    private static void eight(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int block,
            int blocks,
            float[] scales,
            int row,
            float[] sums,
            int y) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        FloatVector sum = FloatVector.fromArray(F, sums, y);
        long w = at;
        int i = block * 24;
        for (int b = 0; b < blocks; b++) {
            IntVector s = IntVector.broadcast(I, -zero * (xSums[2 * (block + b)] + xSums[2 * (block + b) + 1]));
            for (int word = 0; word < 8; word++) {
                ShortVector v = words(codes, w);
                s = s.add(widen(pairs(terms[i]).add(times(v, terms[i + 1])).add(times(shift(v, 8), terms[i + 2]))));
                w += WORD;
                i += 3;
            }
            FloatVector scale = FloatVector.fromArray(F, scales, b * TILE + row).mul(d[block + b]);
            sum = floats(s).fma(scale, sum);
        }
        sum.intoArray(sums, y);
    }

    private static ShortVector words(MemorySegment codes, long at) {
        return IntVector.fromMemorySegment(I, codes, at, LITTLE_ENDIAN).reinterpretAsShorts();
    }

    private static ShortVector pairs(int pair) {
        return IntVector.broadcast(I, pair).reinterpretAsShorts();
    }

    private static ShortVector times(ShortVector v, int pair) {
        return v.mul(IntVector.broadcast(I, pair).reinterpretAsShorts());
    }

    private static ShortVector shift(ShortVector v, int bits) {
        return v.lanewise(VectorOperators.LSHR, bits);
    }

    /** The sum of each pair of 16-bit numbers. */
    private static IntVector widen(ShortVector pairs) {
        IntVector p = pairs.reinterpretAsInts();
        return p.lanewise(VectorOperators.LSHL, Short.SIZE)
                .lanewise(VectorOperators.ASHR, Short.SIZE)
                .add(p.lanewise(VectorOperators.ASHR, Short.SIZE));
    }

    private static FloatVector floats(IntVector x) {
        return (FloatVector) x.convertShape(VectorOperators.I2F, F, 0);
    }
}
