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
 * Products with codes at one vector width, a hidden class for each ({@link TileChoice}). A method a code width; each does the rows of
 * two vectors, which lie side by side in memory, by one token. All that is a vector stays a local variable: one that outlives its method becomes an object.
 */
final class VectorCodes implements CodeKernels {
    private static final VectorShape SHAPE = VectorShape.forBitSize(TileChoice.bits(MethodHandles.lookup()));
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
    private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, SHAPE);
    /** Rows of a vector. */
    private static final int L = I.length();
    /** Bytes of a vector. */
    private static final int BYTES = SHAPE.vectorBitSize() / Byte.SIZE;
    /** Bytes from a word to the next. */
    private static final int WORD = TILE * Integer.BYTES;

    private final CodeKernels many = (CodeKernels) TileChoice.load("VectorManyTokens", SHAPE.vectorBitSize());

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
        if (x.wide() > 0) {
            many.dot(width, parts, zero, codes, at, x, from, blocks, scales, sums);
        }
        for (int t = x.wide(); t < x.tokens(); t++) {
            for (int row = 0; row < TILE; row += 2 * L) {
                long w = at + (long) row * Integer.BYTES;
                switch (width) {
                    case TWO -> two(zero, codes, w, x, t, from, blocks, scales, row, sums);
                    case THREE -> three(zero, codes, w, x, t, from, blocks, scales, row, sums);
                    case FOUR -> {
                        if (parts == 1) {
                            four(zero, codes, w, x, t, from, blocks, scales, row, sums);
                        } else {
                            fourByHalves(zero, codes, w, x, t, from, blocks, scales, row, sums);
                        }
                    }
                    case FIVE -> five(zero, codes, w, x, t, from, blocks, scales, row, sums);
                    case SIX -> six(zero, codes, w, x, t, from, blocks, scales, row, sums);
                    case EIGHT -> eight(zero, codes, w, x, t, from, blocks, scales, row, sums);
                }
            }
        }
    }

    private static void two(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int token,
            int from,
            int blocks,
            float[] scales,
            int row,
            float[] sums) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        int y = token * TILE + row;
        FloatVector y0 = FloatVector.fromArray(F, sums, y);
        FloatVector y1 = FloatVector.fromArray(F, sums, y + L);
        long w = at;
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int h = 0; h < 2 * blocks; h++) {
            ShortVector s0 = ShortVector.zero(S);
            ShortVector s1 = s0;
            ShortVector u0 = words(codes, w);
            ShortVector u1 = words(codes, w + BYTES);
            s0 = s0.add(times(u0, terms[i]))
                    .add(times(shift(u0, 2), terms[i + 1]))
                    .add(times(shift(u0, 4), terms[i + 2]))
                    .add(times(shift(u0, 6), terms[i + 3]))
                    .add(times(shift(u0, 8), terms[i + 4]))
                    .add(times(shift(u0, 10), terms[i + 5]))
                    .add(times(shift(u0, 12), terms[i + 6]))
                    .add(times(shift(u0, 14), terms[i + 7]));
            s1 = s1.add(times(u1, terms[i]))
                    .add(times(shift(u1, 2), terms[i + 1]))
                    .add(times(shift(u1, 4), terms[i + 2]))
                    .add(times(shift(u1, 6), terms[i + 3]))
                    .add(times(shift(u1, 8), terms[i + 4]))
                    .add(times(shift(u1, 10), terms[i + 5]))
                    .add(times(shift(u1, 12), terms[i + 6]))
                    .add(times(shift(u1, 14), terms[i + 7]));
            w += WORD;
            i += 8;
            int offset = zero * xSums[2 * k + (h & 1)];
            y0 = floats(widen(s0).sub(offset)).fma(scale(scales, h, row, d[k]), y0);
            y1 = floats(widen(s1).sub(offset)).fma(scale(scales, h, row + L, d[k]), y1);
            k += (h & 1) * x.tokens();
        }
        y0.intoArray(sums, y);
        y1.intoArray(sums, y + L);
    }

    private static void three(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int token,
            int from,
            int blocks,
            float[] scales,
            int row,
            float[] sums) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        int y = token * TILE + row;
        FloatVector y0 = FloatVector.fromArray(F, sums, y);
        FloatVector y1 = FloatVector.fromArray(F, sums, y + L);
        long w = at;
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int b = 0; b < blocks; b++) {
            ShortVector s0 = ShortVector.zero(S);
            ShortVector s1 = s0;
            for (int word = 0; word < 3; word++) {
                ShortVector v0 = words(codes, w);
                ShortVector v1 = words(codes, w + BYTES);
                s0 = s0.add(times(v0, terms[i]))
                        .add(times(shift(v0, 3), terms[i + 1]))
                        .add(times(shift(v0, 6), terms[i + 2]))
                        .add(times(shift(v0, 9), terms[i + 3]))
                        .add(times(shift(v0, 12), terms[i + 4]))
                        .add(times(shift(v0, 15), terms[i + 5]));
                s1 = s1.add(times(v1, terms[i]))
                        .add(times(shift(v1, 3), terms[i + 1]))
                        .add(times(shift(v1, 6), terms[i + 2]))
                        .add(times(shift(v1, 9), terms[i + 3]))
                        .add(times(shift(v1, 12), terms[i + 4]))
                        .add(times(shift(v1, 15), terms[i + 5]));
                w += WORD;
                i += 6;
            }
            int offset = zero * (xSums[2 * k] + xSums[2 * k + 1]);
            y0 = floats(widen(s0).sub(offset)).fma(scale(scales, b, row, d[k]), y0);
            y1 = floats(widen(s1).sub(offset)).fma(scale(scales, b, row + L, d[k]), y1);
            k += x.tokens();
        }
        y0.intoArray(sums, y);
        y1.intoArray(sums, y + L);
    }

    private static void four(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int token,
            int from,
            int blocks,
            float[] scales,
            int row,
            float[] sums) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        int y = token * TILE + row;
        FloatVector y0 = FloatVector.fromArray(F, sums, y);
        FloatVector y1 = FloatVector.fromArray(F, sums, y + L);
        long w = at;
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int b = 0; b < blocks; b++) {
            ShortVector s0 = ShortVector.zero(S);
            ShortVector s1 = s0;
            for (int word = 0; word < 4; word++) {
                ShortVector v0 = words(codes, w);
                ShortVector v1 = words(codes, w + BYTES);
                s0 = s0.add(times(v0, terms[i]))
                        .add(times(shift(v0, 4), terms[i + 1]))
                        .add(times(shift(v0, 8), terms[i + 2]))
                        .add(times(shift(v0, 12), terms[i + 3]));
                s1 = s1.add(times(v1, terms[i]))
                        .add(times(shift(v1, 4), terms[i + 1]))
                        .add(times(shift(v1, 8), terms[i + 2]))
                        .add(times(shift(v1, 12), terms[i + 3]));
                w += WORD;
                i += 4;
            }
            int offset = zero * (xSums[2 * k] + xSums[2 * k + 1]);
            y0 = floats(widen(s0).sub(offset)).fma(scale(scales, b, row, d[k]), y0);
            y1 = floats(widen(s1).sub(offset)).fma(scale(scales, b, row + L, d[k]), y1);
            k += x.tokens();
        }
        y0.intoArray(sums, y);
        y1.intoArray(sums, y + L);
    }

    private static void fourByHalves(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int token,
            int from,
            int blocks,
            float[] scales,
            int row,
            float[] sums) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        int y = token * TILE + row;
        FloatVector y0 = FloatVector.fromArray(F, sums, y);
        FloatVector y1 = FloatVector.fromArray(F, sums, y + L);
        long w = at;
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int h = 0; h < 2 * blocks; h++) {
            ShortVector s0 = ShortVector.zero(S);
            ShortVector s1 = s0;
            ShortVector u0 = words(codes, w);
            ShortVector u1 = words(codes, w + BYTES);
            ShortVector v0 = words(codes, w + WORD);
            ShortVector v1 = words(codes, w + WORD + BYTES);
            s0 = s0.add(times(u0, terms[i]))
                    .add(times(shift(u0, 4), terms[i + 1]))
                    .add(times(shift(u0, 8), terms[i + 2]))
                    .add(times(shift(u0, 12), terms[i + 3]))
                    .add(times(v0, terms[i + 4]))
                    .add(times(shift(v0, 4), terms[i + 5]))
                    .add(times(shift(v0, 8), terms[i + 6]))
                    .add(times(shift(v0, 12), terms[i + 7]));
            s1 = s1.add(times(u1, terms[i]))
                    .add(times(shift(u1, 4), terms[i + 1]))
                    .add(times(shift(u1, 8), terms[i + 2]))
                    .add(times(shift(u1, 12), terms[i + 3]))
                    .add(times(v1, terms[i + 4]))
                    .add(times(shift(v1, 4), terms[i + 5]))
                    .add(times(shift(v1, 8), terms[i + 6]))
                    .add(times(shift(v1, 12), terms[i + 7]));
            w += 2 * WORD;
            i += 8;
            int offset = zero * xSums[2 * k + (h & 1)];
            y0 = floats(widen(s0).sub(offset)).fma(scale(scales, h, row, d[k]), y0);
            y1 = floats(widen(s1).sub(offset)).fma(scale(scales, h, row + L, d[k]), y1);
            k += (h & 1) * x.tokens();
        }
        y0.intoArray(sums, y);
        y1.intoArray(sums, y + L);
    }

    private static void five(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int token,
            int from,
            int blocks,
            float[] scales,
            int row,
            float[] sums) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        int y = token * TILE + row;
        FloatVector y0 = FloatVector.fromArray(F, sums, y);
        FloatVector y1 = FloatVector.fromArray(F, sums, y + L);
        long w = at;
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int b = 0; b < blocks; b++) {
            ShortVector s0 = pairs(terms[i++]);
            ShortVector s1 = s0;
            for (int word = 0; word < 5; word++) {
                ShortVector v0 = words(codes, w);
                ShortVector v1 = words(codes, w + BYTES);
                s0 = s0.add(times(v0, terms[i]))
                        .add(times(shift(v0, 5), terms[i + 1]))
                        .add(times(shift(v0, 10), terms[i + 2]))
                        .add(times(shift(v0, 15), terms[i + 3]));
                s1 = s1.add(times(v1, terms[i]))
                        .add(times(shift(v1, 5), terms[i + 1]))
                        .add(times(shift(v1, 10), terms[i + 2]))
                        .add(times(shift(v1, 15), terms[i + 3]));
                w += WORD;
                i += 4;
            }
            int offset = zero * (xSums[2 * k] + xSums[2 * k + 1]);
            y0 = floats(widen(s0).sub(offset)).fma(scale(scales, b, row, d[k]), y0);
            y1 = floats(widen(s1).sub(offset)).fma(scale(scales, b, row + L, d[k]), y1);
            k += x.tokens();
        }
        y0.intoArray(sums, y);
        y1.intoArray(sums, y + L);
    }

    private static void six(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int token,
            int from,
            int blocks,
            float[] scales,
            int row,
            float[] sums) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        int y = token * TILE + row;
        FloatVector y0 = FloatVector.fromArray(F, sums, y);
        FloatVector y1 = FloatVector.fromArray(F, sums, y + L);
        long w = at;
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int h = 0; h < 2 * blocks; h++) {
            ShortVector s0 = pairs(terms[i++]);
            ShortVector s1 = s0;
            ShortVector u0 = words(codes, w);
            ShortVector u1 = words(codes, w + BYTES);
            ShortVector v0 = words(codes, w + WORD);
            ShortVector v1 = words(codes, w + WORD + BYTES);
            ShortVector z0 = words(codes, w + 2 * WORD);
            ShortVector z1 = words(codes, w + 2 * WORD + BYTES);
            s0 = s0.add(times(u0, terms[i]))
                    .add(times(shift(u0, 6), terms[i + 1]))
                    .add(times(shift(u0, 12), terms[i + 2]))
                    .add(times(v0, terms[i + 3]))
                    .add(times(shift(v0, 6), terms[i + 4]))
                    .add(times(shift(v0, 12), terms[i + 5]))
                    .add(times(z0, terms[i + 6]))
                    .add(times(shift(z0, 6), terms[i + 7]))
                    .add(times(shift(z0, 12), terms[i + 8]))
                    .add(times(shift(z0, 14), terms[i + 9]));
            s1 = s1.add(times(u1, terms[i]))
                    .add(times(shift(u1, 6), terms[i + 1]))
                    .add(times(shift(u1, 12), terms[i + 2]))
                    .add(times(v1, terms[i + 3]))
                    .add(times(shift(v1, 6), terms[i + 4]))
                    .add(times(shift(v1, 12), terms[i + 5]))
                    .add(times(z1, terms[i + 6]))
                    .add(times(shift(z1, 6), terms[i + 7]))
                    .add(times(shift(z1, 12), terms[i + 8]))
                    .add(times(shift(z1, 14), terms[i + 9]));
            w += 3 * WORD;
            i += 10;
            int offset = zero * xSums[2 * k + (h & 1)];
            y0 = floats(widen(s0).sub(offset)).fma(scale(scales, h, row, d[k]), y0);
            y1 = floats(widen(s1).sub(offset)).fma(scale(scales, h, row + L, d[k]), y1);
            k += (h & 1) * x.tokens();
        }
        y0.intoArray(sums, y);
        y1.intoArray(sums, y + L);
    }

    private static void eight(
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int token,
            int from,
            int blocks,
            float[] scales,
            int row,
            float[] sums) {
        int[] terms = x.terms();
        float[] d = x.scales();
        int[] xSums = x.sums();
        int y = token * TILE + row;
        FloatVector y0 = FloatVector.fromArray(F, sums, y);
        FloatVector y1 = FloatVector.fromArray(F, sums, y + L);
        long w = at;
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int b = 0; b < blocks; b++) {
            IntVector s0 = IntVector.broadcast(I, -zero * (xSums[2 * k] + xSums[2 * k + 1]));
            IntVector s1 = s0;
            for (int word = 0; word < 8; word++) {
                ShortVector v0 = words(codes, w);
                ShortVector v1 = words(codes, w + BYTES);
                ShortVector start = pairs(terms[i]);
                s0 = s0.add(widen(start.add(times(v0, terms[i + 1])).add(times(shift(v0, 8), terms[i + 2]))));
                s1 = s1.add(widen(start.add(times(v1, terms[i + 1])).add(times(shift(v1, 8), terms[i + 2]))));
                w += WORD;
                i += 3;
            }
            y0 = floats(s0).fma(scale(scales, b, row, d[k]), y0);
            y1 = floats(s1).fma(scale(scales, b, row + L, d[k]), y1);
            k += x.tokens();
        }
        y0.intoArray(sums, y);
        y1.intoArray(sums, y + L);
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

    private static FloatVector scale(float[] scales, int line, int row, float d) {
        return FloatVector.fromArray(F, scales, line * TILE + row).mul(d);
    }

    private static FloatVector floats(IntVector x) {
        return (FloatVector) x.convertShape(VectorOperators.I2F, F, 0);
    }
}
