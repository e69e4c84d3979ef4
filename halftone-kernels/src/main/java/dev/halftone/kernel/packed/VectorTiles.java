package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.BLOCK;
import static dev.halftone.kernel.packed.CodeWidth.TILE;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The Vector API at one width. The compiler wants species that are constants of a class, so there is a class for each width: this one,
 * loaded once more as a hidden class whose data is the width ({@link TileChoice}).
 */
final class VectorTiles implements TileKernels {
    private static final VectorShape SHAPE = VectorShape.forBitSize(TileChoice.bits(MethodHandles.lookup()));
    private static final VectorShape HALF_SHAPE = VectorShape.forBitSize(SHAPE.vectorBitSize() / 2);
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
    private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
    private static final VectorSpecies<Short> HALF = VectorSpecies.of(short.class, HALF_SHAPE);
    /** Bytes for a vector of ints; no shape is smaller than 64 bits. */
    private static final VectorSpecies<Byte> B =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, SHAPE.vectorBitSize() / 4)));
    /** Rows of a vector. */
    private static final int L = I.length();
    /** Bytes of a word of all rows. */
    private static final int WORD = TILE * Integer.BYTES;

    /** 1.5 * 2^23: adding and subtracting it rounds a float below 2^22 half to even. */
    private static final float ROUNDER = 0x1.8p23f;

    private final CodeKernels dots = (CodeKernels) TileChoice.load("VectorCodes", SHAPE.vectorBitSize());

    @Override
    public String name() {
        return "vector-" + SHAPE.vectorBitSize();
    }

    @Override
    public void round(float[] x, int at, int columns, int[] pairs, float[] scales, int token, int tokens) {
        int from = 0;
        for (; from <= columns - BLOCK; from += BLOCK) {
            IntVector high = IntVector.zero(I);
            for (int i = 0; i < BLOCK; i += L) {
                high = high.max(FloatVector.fromArray(F, x, at + from + i)
                        .reinterpretAsInts()
                        .and(0x7FFF_FFFF));
            }
            // Magnitudes order as their bits do, NaN above all.
            float scale = Float.intBitsToFloat(high.reduceLanes(VectorOperators.MAX)) / IntegerRows.LARGEST;
            int index = from / BLOCK * tokens + token;
            if (scale == 0 || !(scale < Float.POSITIVE_INFINITY)) {
                ScalarTiles.roundBlock(x, at + from, BLOCK, pairs, scales, index);
                continue;
            }
            scales[index] = scale;
            for (int i = 0; i < BLOCK; i += L) {
                FloatVector rounded = FloatVector.fromArray(F, x, at + from + i)
                        .div(scale)
                        .max(-IntegerRows.LARGEST)
                        .min(IntegerRows.LARGEST)
                        .add(ROUNDER)
                        .sub(ROUNDER);
                ((ShortVector) rounded.convertShape(VectorOperators.F2I, I, 0).castShape(HALF, 0))
                        .reinterpretAsInts()
                        .intoArray(pairs, index * CodeWidth.PAIRS + i / 2);
            }
        }
        if (from < columns) {
            ScalarTiles.roundBlock(x, at + from, columns - from, pairs, scales, from / BLOCK * tokens + token);
        }
    }

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
        dots.dot(width, parts, zero, codes, at, x, from, blocks, scales, sums);
    }

    @Override
    public void addMinima(int parts, float[] minima, IntegerRows x, int from, int blocks, float[] sums) {
        for (int t = 0; t < x.tokens(); t++) {
            for (int row = 0; row < TILE; row += L) {
                FloatVector y = FloatVector.fromArray(F, sums, t * TILE + row);
                for (int i = 0; i < blocks * parts; i++) {
                    float sum = x.sum(t, from + i / parts, parts, i % parts);
                    y = FloatVector.fromArray(F, minima, i * TILE + row).fma(FloatVector.broadcast(F, sum), y);
                }
                y.intoArray(sums, t * TILE + row);
            }
        }
    }

    @Override
    public void widenHalves(MemorySegment halves, long at, int repeat, float factor, int from, int count, float[] out) {
        // The exponent's bias differs by 112; a product with a power of two is exact, and makes subnormal numbers
        // normal.
        float scale = factor * 0x1p112f;
        long line = at + (long) (from / repeat) * (TILE * Short.BYTES);
        int left = repeat - from % repeat;
        for (int i = 0; i < count; ) {
            int end = Math.min(count, i + left);
            for (int r = 0; r < TILE; r += L) {
                // Sign-extended, so that the sign is in its place; its copies over the exponent are cleared.
                IntVector bits = (IntVector) ShortVector.fromMemorySegment(HALF, halves, line + 2L * r, LITTLE_ENDIAN)
                        .castShape(I, 0);
                FloatVector numbers = bits.lanewise(VectorOperators.LSHL, 13)
                        .and(0x8FFF_FFFF)
                        .reinterpretAsFloats()
                        .mul(scale);
                for (int j = i; j < end; j++) {
                    numbers.intoArray(out, j * TILE + r);
                }
            }
            i = end;
            line += TILE * Short.BYTES;
            left = repeat;
        }
    }

    @Override
    public void widenFloats(MemorySegment floats, long at, int repeat, int from, int count, float[] out) {
        long line = at + (long) (from / repeat) * (TILE * Float.BYTES);
        int left = repeat - from % repeat;
        for (int i = 0; i < count; ) {
            int end = Math.min(count, i + left);
            for (int r = 0; r < TILE; r += L) {
                FloatVector numbers = FloatVector.fromMemorySegment(F, floats, line + 4L * r, LITTLE_ENDIAN);
                for (int j = i; j < end; j++) {
                    numbers.intoArray(out, j * TILE + r);
                }
            }
            i = end;
            line += TILE * Float.BYTES;
            left = repeat;
        }
    }

    @Override
    public void scaleByBytes(MemorySegment bytes, long at, int count, float[] out) {
        // The count is a multiple of 32.
        for (int i = 0; i < count; i += B.length()) {
            ByteVector factors = ByteVector.fromMemorySegment(B, bytes, at + i, LITTLE_ENDIAN);
            ((FloatVector) factors.convertShape(VectorOperators.B2F, F, 0))
                    .mul(FloatVector.fromArray(F, out, i))
                    .intoArray(out, i);
            if (B.length() > L) {
                ((FloatVector) factors.convertShape(VectorOperators.B2F, F, 1))
                        .mul(FloatVector.fromArray(F, out, i + L))
                        .intoArray(out, i + L);
            }
        }
    }

    @Override
    public void dotFloats(MemorySegment weights, long at, FloatRows x, float[] sums) {
        for (int t = 0; t < x.tokens(); t++) {
            for (int row = 0; row < TILE; row += L) {
                floats(weights, at + 4L * row, x.x(), t * x.columns(), x.columns())
                        .intoArray(sums, t * TILE + row);
            }
        }
    }

    private static FloatVector floats(MemorySegment weights, long at, float[] x, int from, int columns) {
        FloatVector even = FloatVector.zero(F);
        FloatVector odd = FloatVector.zero(F);
        long w = at;
        int c = 0;
        for (; c < columns - 1; c += 2) {
            even = FloatVector.fromMemorySegment(F, weights, w, LITTLE_ENDIAN)
                    .fma(FloatVector.broadcast(F, x[from + c]), even);
            odd = FloatVector.fromMemorySegment(F, weights, w + WORD, LITTLE_ENDIAN)
                    .fma(FloatVector.broadcast(F, x[from + c + 1]), odd);
            w += 2 * WORD;
        }
        if (c < columns) {
            even = FloatVector.fromMemorySegment(F, weights, w, LITTLE_ENDIAN)
                    .fma(FloatVector.broadcast(F, x[from + c]), even);
        }
        return even.add(odd);
    }

    @Override
    public void dotBfloats(MemorySegment weights, long at, FloatRows x, float[] sums) {
        for (int t = 0; t < x.tokens(); t++) {
            for (int row = 0; row < TILE; row += L) {
                bfloats(weights, at + 4L * row, x.x(), t * x.columns(), x.columns())
                        .intoArray(sums, t * TILE + row);
            }
        }
    }

    private static FloatVector bfloats(MemorySegment weights, long at, float[] x, int from, int columns) {
        FloatVector even = FloatVector.zero(F);
        FloatVector odd = FloatVector.zero(F);
        long w = at;
        int c = 0;
        for (; c < columns - 1; c += 2) {
            IntVector pair = IntVector.fromMemorySegment(I, weights, w, LITTLE_ENDIAN);
            even = pair.lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats()
                    .fma(FloatVector.broadcast(F, x[from + c]), even);
            odd = pair.and(0xFFFF_0000).reinterpretAsFloats().fma(FloatVector.broadcast(F, x[from + c + 1]), odd);
            w += WORD;
        }
        if (c < columns) {
            IntVector pair = IntVector.fromMemorySegment(I, weights, w, LITTLE_ENDIAN);
            even = pair.lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats()
                    .fma(FloatVector.broadcast(F, x[from + c]), even);
        }
        return even.add(odd);
    }

    @Override
    public void dotLevels(
            float[] levels,
            MemorySegment codes,
            long at,
            FloatRows x,
            int from,
            int blocks,
            float[] scales,
            float[] sums) {
        for (int t = 0; t < x.tokens(); t++) {
            for (int row = 0; row < TILE; row += L) {
                FloatVector sum = FloatVector.fromArray(F, sums, t * TILE + row);
                for (int b = 0; b < blocks; b++) {
                    int columns = Math.min(BLOCK, x.columns() - (from + b) * BLOCK);
                    long w = at + (long) b * CodeWidth.FOUR.blockBytes() + (long) row * Integer.BYTES;
                    sum = levelSum(levels, codes, w, x.x(), t * x.columns() + (from + b) * BLOCK, columns)
                            .fma(FloatVector.fromArray(F, scales, b * TILE + row), sum);
                }
                sum.intoArray(sums, t * TILE + row);
            }
        }
    }

    private static FloatVector levelSum(
            float[] levels, MemorySegment codes, long at, float[] x, int from, int columns) {
        FloatVector even = FloatVector.zero(F);
        FloatVector odd = FloatVector.zero(F);
        int c = 0;
        for (; c <= columns - 8; c += 8) {
            IntVector words = IntVector.fromMemorySegment(I, codes, at + (long) (c / 8) * WORD, LITTLE_ENDIAN);
            int i = from + c;
            even = level(levels, words, 0).fma(FloatVector.broadcast(F, x[i]), even);
            odd = level(levels, words, 16).fma(FloatVector.broadcast(F, x[i + 1]), odd);
            even = level(levels, words, 4).fma(FloatVector.broadcast(F, x[i + 2]), even);
            odd = level(levels, words, 20).fma(FloatVector.broadcast(F, x[i + 3]), odd);
            even = level(levels, words, 8).fma(FloatVector.broadcast(F, x[i + 4]), even);
            odd = level(levels, words, 24).fma(FloatVector.broadcast(F, x[i + 5]), odd);
            even = level(levels, words, 12).fma(FloatVector.broadcast(F, x[i + 6]), even);
            odd = level(levels, words, 28).fma(FloatVector.broadcast(F, x[i + 7]), odd);
        }
        for (; c < columns; c++) {
            IntVector words = IntVector.fromMemorySegment(I, codes, at + (long) (c / 8) * WORD, LITTLE_ENDIAN);
            FloatVector level = level(levels, words, c % 8 / 2 * 4 + c % 2 * Short.SIZE);
            FloatVector value = FloatVector.broadcast(F, x[from + c]);
            if (c % 2 == 0) {
                even = level.fma(value, even);
            } else {
                odd = level.fma(value, odd);
            }
        }
        return even.add(odd);
    }

    /** Levels of the 4 bits from {@code shift} on. A vector holds all of the table, half of it or a quarter. */
    private static FloatVector level(float[] levels, IntVector words, int shift) {
        IntVector codes = words.lanewise(VectorOperators.LSHR, shift);
        IntVector found = codes.selectFrom(table(levels, 0));
        for (int i = L; i < LevelMatrix.LEVELS; i += L) {
            found = found.blend(
                    codes.selectFrom(table(levels, i)),
                    codes.and(LevelMatrix.LEVELS - L).compare(VectorOperators.EQ, i));
        }
        return found.reinterpretAsFloats();
    }

    private static IntVector table(float[] levels, int from) {
        return FloatVector.fromArray(F, levels, from).reinterpretAsInts();
    }
}
