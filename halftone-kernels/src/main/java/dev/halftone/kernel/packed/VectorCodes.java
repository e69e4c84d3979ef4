package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.TILE;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products with codes at one vector width, a hidden class for each ({@link TileChoice}). A method a code width; each does the rows of
 * two vectors, which lie side by side in memory, by one token. All that is a vector stays a local variable: one that outlives its method
 * becomes an object. Nor are there methods for what is repeated: the compiler stops inlining those of a large method, but not what the Vector
 * API consists of.
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
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int h = 0; h < 2 * blocks; h++) {
            ShortVector v0 =
                    IntVector.fromMemorySegment(I, codes, at, LITTLE_ENDIAN).reinterpretAsShorts();
            ShortVector v1 = IntVector.fromMemorySegment(I, codes, at + BYTES, LITTLE_ENDIAN)
                    .reinterpretAsShorts();
            ShortVector x0 = IntVector.broadcast(I, terms[i]).reinterpretAsShorts();
            ShortVector x1 = IntVector.broadcast(I, terms[i + 1]).reinterpretAsShorts();
            ShortVector x2 = IntVector.broadcast(I, terms[i + 2]).reinterpretAsShorts();
            ShortVector x3 = IntVector.broadcast(I, terms[i + 3]).reinterpretAsShorts();
            ShortVector x4 = IntVector.broadcast(I, terms[i + 4]).reinterpretAsShorts();
            ShortVector x5 = IntVector.broadcast(I, terms[i + 5]).reinterpretAsShorts();
            ShortVector x6 = IntVector.broadcast(I, terms[i + 6]).reinterpretAsShorts();
            ShortVector x7 = IntVector.broadcast(I, terms[i + 7]).reinterpretAsShorts();
            ShortVector s0 = v0.mul(x0)
                    .add(v0.lanewise(LSHR, 2).mul(x1))
                    .add(v0.lanewise(LSHR, 4).mul(x2))
                    .add(v0.lanewise(LSHR, 6).mul(x3))
                    .add(v0.lanewise(LSHR, 8).mul(x4))
                    .add(v0.lanewise(LSHR, 10).mul(x5))
                    .add(v0.lanewise(LSHR, 12).mul(x6))
                    .add(v0.lanewise(LSHR, 14).mul(x7));
            ShortVector s1 = v1.mul(x0)
                    .add(v1.lanewise(LSHR, 2).mul(x1))
                    .add(v1.lanewise(LSHR, 4).mul(x2))
                    .add(v1.lanewise(LSHR, 6).mul(x3))
                    .add(v1.lanewise(LSHR, 8).mul(x4))
                    .add(v1.lanewise(LSHR, 10).mul(x5))
                    .add(v1.lanewise(LSHR, 12).mul(x6))
                    .add(v1.lanewise(LSHR, 14).mul(x7));
            at += WORD;
            i += 8;
            int offset = zero * xSums[2 * k + (h & 1)];
            IntVector p0 = s0.reinterpretAsInts();
            IntVector p1 = s1.reinterpretAsInts();
            IntVector z0 = p0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p0.lanewise(ASHR, 16));
            IntVector z1 = p1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p1.lanewise(ASHR, 16));
            FloatVector f0 = FloatVector.fromArray(F, scales, h * TILE + row).mul(d[k]);
            FloatVector f1 =
                    FloatVector.fromArray(F, scales, h * TILE + row + L).mul(d[k]);
            y0 = ((FloatVector) z0.sub(offset).convertShape(I2F, F, 0)).fma(f0, y0);
            y1 = ((FloatVector) z1.sub(offset).convertShape(I2F, F, 0)).fma(f1, y1);
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
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int b = 0; b < blocks; b++) {
            ShortVector s0 = ShortVector.zero(S);
            ShortVector s1 = s0;
            for (int word = 0; word < 3; word++) {
                ShortVector v0 =
                        IntVector.fromMemorySegment(I, codes, at, LITTLE_ENDIAN).reinterpretAsShorts();
                ShortVector v1 = IntVector.fromMemorySegment(I, codes, at + BYTES, LITTLE_ENDIAN)
                        .reinterpretAsShorts();
                ShortVector x0 = IntVector.broadcast(I, terms[i]).reinterpretAsShorts();
                ShortVector x1 = IntVector.broadcast(I, terms[i + 1]).reinterpretAsShorts();
                ShortVector x2 = IntVector.broadcast(I, terms[i + 2]).reinterpretAsShorts();
                ShortVector x3 = IntVector.broadcast(I, terms[i + 3]).reinterpretAsShorts();
                ShortVector x4 = IntVector.broadcast(I, terms[i + 4]).reinterpretAsShorts();
                ShortVector x5 = IntVector.broadcast(I, terms[i + 5]).reinterpretAsShorts();
                s0 = s0.add(v0.mul(x0))
                        .add(v0.lanewise(LSHR, 3).mul(x1))
                        .add(v0.lanewise(LSHR, 6).mul(x2))
                        .add(v0.lanewise(LSHR, 9).mul(x3))
                        .add(v0.lanewise(LSHR, 12).mul(x4))
                        .add(v0.lanewise(LSHR, 15).mul(x5));
                s1 = s1.add(v1.mul(x0))
                        .add(v1.lanewise(LSHR, 3).mul(x1))
                        .add(v1.lanewise(LSHR, 6).mul(x2))
                        .add(v1.lanewise(LSHR, 9).mul(x3))
                        .add(v1.lanewise(LSHR, 12).mul(x4))
                        .add(v1.lanewise(LSHR, 15).mul(x5));
                at += WORD;
                i += 6;
            }
            int offset = zero * (xSums[2 * k] + xSums[2 * k + 1]);
            IntVector p0 = s0.reinterpretAsInts();
            IntVector p1 = s1.reinterpretAsInts();
            IntVector z0 = p0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p0.lanewise(ASHR, 16));
            IntVector z1 = p1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p1.lanewise(ASHR, 16));
            FloatVector f0 = FloatVector.fromArray(F, scales, b * TILE + row).mul(d[k]);
            FloatVector f1 =
                    FloatVector.fromArray(F, scales, b * TILE + row + L).mul(d[k]);
            y0 = ((FloatVector) z0.sub(offset).convertShape(I2F, F, 0)).fma(f0, y0);
            y1 = ((FloatVector) z1.sub(offset).convertShape(I2F, F, 0)).fma(f1, y1);
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
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int b = 0; b < blocks; b++) {
            ShortVector s0 = ShortVector.zero(S);
            ShortVector s1 = s0;
            for (int word = 0; word < 4; word++) {
                ShortVector v0 =
                        IntVector.fromMemorySegment(I, codes, at, LITTLE_ENDIAN).reinterpretAsShorts();
                ShortVector v1 = IntVector.fromMemorySegment(I, codes, at + BYTES, LITTLE_ENDIAN)
                        .reinterpretAsShorts();
                ShortVector x0 = IntVector.broadcast(I, terms[i]).reinterpretAsShorts();
                ShortVector x1 = IntVector.broadcast(I, terms[i + 1]).reinterpretAsShorts();
                ShortVector x2 = IntVector.broadcast(I, terms[i + 2]).reinterpretAsShorts();
                ShortVector x3 = IntVector.broadcast(I, terms[i + 3]).reinterpretAsShorts();
                s0 = s0.add(v0.mul(x0))
                        .add(v0.lanewise(LSHR, 4).mul(x1))
                        .add(v0.lanewise(LSHR, 8).mul(x2))
                        .add(v0.lanewise(LSHR, 12).mul(x3));
                s1 = s1.add(v1.mul(x0))
                        .add(v1.lanewise(LSHR, 4).mul(x1))
                        .add(v1.lanewise(LSHR, 8).mul(x2))
                        .add(v1.lanewise(LSHR, 12).mul(x3));
                at += WORD;
                i += 4;
            }
            int offset = zero * (xSums[2 * k] + xSums[2 * k + 1]);
            IntVector p0 = s0.reinterpretAsInts();
            IntVector p1 = s1.reinterpretAsInts();
            IntVector z0 = p0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p0.lanewise(ASHR, 16));
            IntVector z1 = p1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p1.lanewise(ASHR, 16));
            FloatVector f0 = FloatVector.fromArray(F, scales, b * TILE + row).mul(d[k]);
            FloatVector f1 =
                    FloatVector.fromArray(F, scales, b * TILE + row + L).mul(d[k]);
            y0 = ((FloatVector) z0.sub(offset).convertShape(I2F, F, 0)).fma(f0, y0);
            y1 = ((FloatVector) z1.sub(offset).convertShape(I2F, F, 0)).fma(f1, y1);
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
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int h = 0; h < 2 * blocks; h++) {
            ShortVector s0 = ShortVector.zero(S);
            ShortVector s1 = s0;
            for (int word = 0; word < 2; word++) {
                ShortVector v0 =
                        IntVector.fromMemorySegment(I, codes, at, LITTLE_ENDIAN).reinterpretAsShorts();
                ShortVector v1 = IntVector.fromMemorySegment(I, codes, at + BYTES, LITTLE_ENDIAN)
                        .reinterpretAsShorts();
                ShortVector x0 = IntVector.broadcast(I, terms[i]).reinterpretAsShorts();
                ShortVector x1 = IntVector.broadcast(I, terms[i + 1]).reinterpretAsShorts();
                ShortVector x2 = IntVector.broadcast(I, terms[i + 2]).reinterpretAsShorts();
                ShortVector x3 = IntVector.broadcast(I, terms[i + 3]).reinterpretAsShorts();
                s0 = s0.add(v0.mul(x0))
                        .add(v0.lanewise(LSHR, 4).mul(x1))
                        .add(v0.lanewise(LSHR, 8).mul(x2))
                        .add(v0.lanewise(LSHR, 12).mul(x3));
                s1 = s1.add(v1.mul(x0))
                        .add(v1.lanewise(LSHR, 4).mul(x1))
                        .add(v1.lanewise(LSHR, 8).mul(x2))
                        .add(v1.lanewise(LSHR, 12).mul(x3));
                at += WORD;
                i += 4;
            }
            int offset = zero * xSums[2 * k + (h & 1)];
            IntVector p0 = s0.reinterpretAsInts();
            IntVector p1 = s1.reinterpretAsInts();
            IntVector z0 = p0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p0.lanewise(ASHR, 16));
            IntVector z1 = p1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p1.lanewise(ASHR, 16));
            FloatVector f0 = FloatVector.fromArray(F, scales, h * TILE + row).mul(d[k]);
            FloatVector f1 =
                    FloatVector.fromArray(F, scales, h * TILE + row + L).mul(d[k]);
            y0 = ((FloatVector) z0.sub(offset).convertShape(I2F, F, 0)).fma(f0, y0);
            y1 = ((FloatVector) z1.sub(offset).convertShape(I2F, F, 0)).fma(f1, y1);
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
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int b = 0; b < blocks; b++) {
            ShortVector s0 = IntVector.broadcast(I, terms[i++]).reinterpretAsShorts();
            ShortVector s1 = s0;
            for (int word = 0; word < 5; word++) {
                ShortVector v0 =
                        IntVector.fromMemorySegment(I, codes, at, LITTLE_ENDIAN).reinterpretAsShorts();
                ShortVector v1 = IntVector.fromMemorySegment(I, codes, at + BYTES, LITTLE_ENDIAN)
                        .reinterpretAsShorts();
                ShortVector x0 = IntVector.broadcast(I, terms[i]).reinterpretAsShorts();
                ShortVector x1 = IntVector.broadcast(I, terms[i + 1]).reinterpretAsShorts();
                ShortVector x2 = IntVector.broadcast(I, terms[i + 2]).reinterpretAsShorts();
                ShortVector x3 = IntVector.broadcast(I, terms[i + 3]).reinterpretAsShorts();
                s0 = s0.add(v0.mul(x0))
                        .add(v0.lanewise(LSHR, 5).mul(x1))
                        .add(v0.lanewise(LSHR, 10).mul(x2))
                        .add(v0.lanewise(LSHR, 15).mul(x3));
                s1 = s1.add(v1.mul(x0))
                        .add(v1.lanewise(LSHR, 5).mul(x1))
                        .add(v1.lanewise(LSHR, 10).mul(x2))
                        .add(v1.lanewise(LSHR, 15).mul(x3));
                at += WORD;
                i += 4;
            }
            int offset = zero * (xSums[2 * k] + xSums[2 * k + 1]);
            IntVector p0 = s0.reinterpretAsInts();
            IntVector p1 = s1.reinterpretAsInts();
            IntVector z0 = p0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p0.lanewise(ASHR, 16));
            IntVector z1 = p1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p1.lanewise(ASHR, 16));
            FloatVector f0 = FloatVector.fromArray(F, scales, b * TILE + row).mul(d[k]);
            FloatVector f1 =
                    FloatVector.fromArray(F, scales, b * TILE + row + L).mul(d[k]);
            y0 = ((FloatVector) z0.sub(offset).convertShape(I2F, F, 0)).fma(f0, y0);
            y1 = ((FloatVector) z1.sub(offset).convertShape(I2F, F, 0)).fma(f1, y1);
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
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int h = 0; h < 2 * blocks; h++) {
            ShortVector s0 = IntVector.broadcast(I, terms[i++]).reinterpretAsShorts();
            ShortVector s1 = s0;
            for (int word = 0; word < 2; word++) {
                ShortVector v0 =
                        IntVector.fromMemorySegment(I, codes, at, LITTLE_ENDIAN).reinterpretAsShorts();
                ShortVector v1 = IntVector.fromMemorySegment(I, codes, at + BYTES, LITTLE_ENDIAN)
                        .reinterpretAsShorts();
                ShortVector x0 = IntVector.broadcast(I, terms[i]).reinterpretAsShorts();
                ShortVector x1 = IntVector.broadcast(I, terms[i + 1]).reinterpretAsShorts();
                ShortVector x2 = IntVector.broadcast(I, terms[i + 2]).reinterpretAsShorts();
                s0 = s0.add(v0.mul(x0))
                        .add(v0.lanewise(LSHR, 6).mul(x1))
                        .add(v0.lanewise(LSHR, 12).mul(x2));
                s1 = s1.add(v1.mul(x0))
                        .add(v1.lanewise(LSHR, 6).mul(x1))
                        .add(v1.lanewise(LSHR, 12).mul(x2));
                at += WORD;
                i += 3;
            }
            ShortVector u0 =
                    IntVector.fromMemorySegment(I, codes, at, LITTLE_ENDIAN).reinterpretAsShorts();
            ShortVector u1 = IntVector.fromMemorySegment(I, codes, at + BYTES, LITTLE_ENDIAN)
                    .reinterpretAsShorts();
            ShortVector x0 = IntVector.broadcast(I, terms[i]).reinterpretAsShorts();
            ShortVector x1 = IntVector.broadcast(I, terms[i + 1]).reinterpretAsShorts();
            ShortVector x2 = IntVector.broadcast(I, terms[i + 2]).reinterpretAsShorts();
            ShortVector x3 = IntVector.broadcast(I, terms[i + 3]).reinterpretAsShorts();
            s0 = s0.add(u0.mul(x0))
                    .add(u0.lanewise(LSHR, 6).mul(x1))
                    .add(u0.lanewise(LSHR, 12).mul(x2))
                    .add(u0.lanewise(LSHR, 14).mul(x3));
            s1 = s1.add(u1.mul(x0))
                    .add(u1.lanewise(LSHR, 6).mul(x1))
                    .add(u1.lanewise(LSHR, 12).mul(x2))
                    .add(u1.lanewise(LSHR, 14).mul(x3));
            at += WORD;
            i += 4;
            int offset = zero * xSums[2 * k + (h & 1)];
            IntVector p0 = s0.reinterpretAsInts();
            IntVector p1 = s1.reinterpretAsInts();
            IntVector z0 = p0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p0.lanewise(ASHR, 16));
            IntVector z1 = p1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p1.lanewise(ASHR, 16));
            FloatVector f0 = FloatVector.fromArray(F, scales, h * TILE + row).mul(d[k]);
            FloatVector f1 =
                    FloatVector.fromArray(F, scales, h * TILE + row + L).mul(d[k]);
            y0 = ((FloatVector) z0.sub(offset).convertShape(I2F, F, 0)).fma(f0, y0);
            y1 = ((FloatVector) z1.sub(offset).convertShape(I2F, F, 0)).fma(f1, y1);
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
        int i = x.termsAt(token, from);
        int k = from * x.tokens() + token;
        for (int b = 0; b < blocks; b++) {
            IntVector s0 = IntVector.broadcast(I, -zero * (xSums[2 * k] + xSums[2 * k + 1]));
            IntVector s1 = s0;
            for (int word = 0; word < 8; word++) {
                ShortVector v0 =
                        IntVector.fromMemorySegment(I, codes, at, LITTLE_ENDIAN).reinterpretAsShorts();
                ShortVector v1 = IntVector.fromMemorySegment(I, codes, at + BYTES, LITTLE_ENDIAN)
                        .reinterpretAsShorts();
                ShortVector start = IntVector.broadcast(I, terms[i]).reinterpretAsShorts();
                ShortVector x0 = IntVector.broadcast(I, terms[i + 1]).reinterpretAsShorts();
                ShortVector x1 = IntVector.broadcast(I, terms[i + 2]).reinterpretAsShorts();
                IntVector p0 =
                        start.add(v0.mul(x0)).add(v0.lanewise(LSHR, 8).mul(x1)).reinterpretAsInts();
                IntVector p1 =
                        start.add(v1.mul(x0)).add(v1.lanewise(LSHR, 8).mul(x1)).reinterpretAsInts();
                s0 = s0.add(p0.lanewise(LSHL, 16).lanewise(ASHR, 16)).add(p0.lanewise(ASHR, 16));
                s1 = s1.add(p1.lanewise(LSHL, 16).lanewise(ASHR, 16)).add(p1.lanewise(ASHR, 16));
                at += WORD;
                i += 3;
            }
            FloatVector f0 = FloatVector.fromArray(F, scales, b * TILE + row).mul(d[k]);
            FloatVector f1 =
                    FloatVector.fromArray(F, scales, b * TILE + row + L).mul(d[k]);
            y0 = ((FloatVector) s0.convertShape(I2F, F, 0)).fma(f0, y0);
            y1 = ((FloatVector) s1.convertShape(I2F, F, 0)).fma(f1, y1);
            k += x.tokens();
        }
        y0.intoArray(sums, y);
        y1.intoArray(sums, y + L);
    }
}
