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
import jdk.incubator.vector.VectorShuffle;
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

    private static final int HALF_BLOCK = BLOCK / 2;

    /** The int before each, and pairs of 16 but for each fourth, where the words of 4-bit codes begin. */
    private static final VectorShuffle<Integer> BEFORE = VectorShuffle.fromOp(I, i -> Math.max(0, i - 1));

    private static final IntVector SIXTEEN = IntVector.fromArray(I, sixteens(), 0);

    /** 1.5 * 2^23: adding and subtracting it rounds a float below 2^22 half to even. */
    private static final float ROUNDER = 0x1.8p23f;

    private final CodeKernels dots = (CodeKernels) TileChoice.load("VectorCodes", SHAPE.vectorBitSize());

    private static int[] sixteens() {
        int[] pairs = new int[L];
        for (int i = 0; i < L; i++) {
            pairs[i] = i % 4 == 0 ? 0 : CodeWidth.pair(16, 16);
        }
        return pairs;
    }

    @Override
    public String name() {
        return "vector-" + SHAPE.vectorBitSize();
    }

    @Override
    public void round(float[] x, int at, IntegerRows rows, int token) {
        int whole = rows.columns() / BLOCK;
        for (int b = 0; b < whole; b++) {
            int from = at + b * BLOCK;
            IntVector high = IntVector.zero(I);
            for (int i = 0; i < BLOCK; i += L) {
                high = high.max(FloatVector.fromArray(F, x, from + i)
                        .reinterpretAsInts()
                        .and(0x7FFF_FFFF));
            }
            // Magnitudes order as their bits do, NaN above all.
            float scale = Float.intBitsToFloat(high.reduceLanes(VectorOperators.MAX)) / IntegerRows.LARGEST;
            if (scale > 0 && scale < Float.POSITIVE_INFINITY) {
                roundBlock(x, from, scale, rows, b * rows.tokens() + token);
            } else {
                ScalarTiles.roundBlock(x, at, rows, token, b);
            }
        }
        if (whole < rows.blocks()) {
            ScalarTiles.roundBlock(x, at, rows, token, whole);
        }
    }

    private static void roundBlock(float[] x, int from, float scale, IntegerRows rows, int index) {
        rows.scales()[index] = scale;
        for (int half = 0; half < 2; half++) {
            IntVector sum = IntVector.zero(I);
            for (int i = half * HALF_BLOCK; i < (half + 1) * HALF_BLOCK; i += L) {
                IntVector codes = (IntVector) FloatVector.fromArray(F, x, from + i)
                        .div(scale)
                        .max(-IntegerRows.LARGEST)
                        .min(IntegerRows.LARGEST)
                        .add(ROUNDER)
                        .sub(ROUNDER)
                        .convertShape(VectorOperators.F2I, I, 0);
                sum = sum.add(codes);
                ((ShortVector) codes.castShape(HALF, 0))
                        .reinterpretAsInts()
                        .intoArray(rows.pairs(), index * CodeWidth.PAIRS + i / 2);
            }
            rows.sums()[2 * index + half] = sum.reduceLanes(VectorOperators.ADD);
        }
    }

    @Override
    public void terms(CodeWidth width, int[] pairs, int from, int[] terms, int at) {
        if (width != CodeWidth.FOUR) {
            width.terms(pairs, from, terms, at);
            return;
        }
        // Four codes to a word: a factor less 16 times the one before, unless it is a word's first.
        for (int i = 0; i < CodeWidth.PAIRS; i += L) {
            IntVector x = IntVector.fromArray(I, pairs, from + i);
            ShortVector before = x.rearrange(BEFORE).reinterpretAsShorts();
            x.reinterpretAsShorts()
                    .sub(before.mul(SIXTEEN.reinterpretAsShorts()))
                    .reinterpretAsInts()
                    .intoArray(terms, at + i);
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
        int t = 0;
        for (; t <= x.tokens() - 4; t += 4) {
            for (int row = 0; row < TILE; row += L) {
                floatsByFour(weights, at + 4L * row, x, t, sums, t * TILE + row);
            }
        }
        for (; t < x.tokens(); t++) {
            for (int row = 0; row < TILE; row += L) {
                floats(weights, at + 4L * row, x.x(), t * x.columns(), x.columns())
                        .intoArray(sums, t * TILE + row);
            }
        }
    }

    /** Four tokens share what is read of the weights. */
    private static void floatsByFour(MemorySegment weights, long at, FloatRows rows, int token, float[] sums, int y) {
        float[] x = rows.x();
        int columns = rows.columns();
        FloatVector even0 = FloatVector.zero(F);
        FloatVector even1 = even0;
        FloatVector even2 = even0;
        FloatVector even3 = even0;
        FloatVector odd0 = even0;
        FloatVector odd1 = even0;
        FloatVector odd2 = even0;
        FloatVector odd3 = even0;
        int i = token * columns;
        long w = at;
        for (int c = 0; c < columns / 2; c++) {
            FloatVector a = FloatVector.fromMemorySegment(F, weights, w, LITTLE_ENDIAN);
            even0 = a.fma(FloatVector.broadcast(F, x[i]), even0);
            even1 = a.fma(FloatVector.broadcast(F, x[i + columns]), even1);
            even2 = a.fma(FloatVector.broadcast(F, x[i + 2 * columns]), even2);
            even3 = a.fma(FloatVector.broadcast(F, x[i + 3 * columns]), even3);
            FloatVector b = FloatVector.fromMemorySegment(F, weights, w + WORD, LITTLE_ENDIAN);
            odd0 = b.fma(FloatVector.broadcast(F, x[i + 1]), odd0);
            odd1 = b.fma(FloatVector.broadcast(F, x[i + 1 + columns]), odd1);
            odd2 = b.fma(FloatVector.broadcast(F, x[i + 1 + 2 * columns]), odd2);
            odd3 = b.fma(FloatVector.broadcast(F, x[i + 1 + 3 * columns]), odd3);
            i += 2;
            w += 2 * WORD;
        }
        if (columns % 2 != 0) {
            FloatVector a = FloatVector.fromMemorySegment(F, weights, w, LITTLE_ENDIAN);
            even0 = a.fma(FloatVector.broadcast(F, x[i]), even0);
            even1 = a.fma(FloatVector.broadcast(F, x[i + columns]), even1);
            even2 = a.fma(FloatVector.broadcast(F, x[i + 2 * columns]), even2);
            even3 = a.fma(FloatVector.broadcast(F, x[i + 3 * columns]), even3);
        }
        even0.add(odd0).intoArray(sums, y);
        even1.add(odd1).intoArray(sums, y + TILE);
        even2.add(odd2).intoArray(sums, y + 2 * TILE);
        even3.add(odd3).intoArray(sums, y + 3 * TILE);
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
        int t = 0;
        for (; t <= x.tokens() - 4; t += 4) {
            for (int row = 0; row < TILE; row += L) {
                bfloatsByFour(weights, at + 4L * row, x, t, sums, t * TILE + row);
            }
        }
        for (; t < x.tokens(); t++) {
            for (int row = 0; row < TILE; row += L) {
                bfloats(weights, at + 4L * row, x.x(), t * x.columns(), x.columns())
                        .intoArray(sums, t * TILE + row);
            }
        }
    }

    private static void bfloatsByFour(MemorySegment weights, long at, FloatRows rows, int token, float[] sums, int y) {
        float[] x = rows.x();
        int columns = rows.columns();
        FloatVector even0 = FloatVector.zero(F);
        FloatVector even1 = even0;
        FloatVector even2 = even0;
        FloatVector even3 = even0;
        FloatVector odd0 = even0;
        FloatVector odd1 = even0;
        FloatVector odd2 = even0;
        FloatVector odd3 = even0;
        int i = token * columns;
        long w = at;
        for (int c = 0; c < columns / 2; c++) {
            IntVector pair = IntVector.fromMemorySegment(I, weights, w, LITTLE_ENDIAN);
            FloatVector a = pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            even0 = a.fma(FloatVector.broadcast(F, x[i]), even0);
            even1 = a.fma(FloatVector.broadcast(F, x[i + columns]), even1);
            even2 = a.fma(FloatVector.broadcast(F, x[i + 2 * columns]), even2);
            even3 = a.fma(FloatVector.broadcast(F, x[i + 3 * columns]), even3);
            FloatVector b = pair.and(0xFFFF_0000).reinterpretAsFloats();
            odd0 = b.fma(FloatVector.broadcast(F, x[i + 1]), odd0);
            odd1 = b.fma(FloatVector.broadcast(F, x[i + 1 + columns]), odd1);
            odd2 = b.fma(FloatVector.broadcast(F, x[i + 1 + 2 * columns]), odd2);
            odd3 = b.fma(FloatVector.broadcast(F, x[i + 1 + 3 * columns]), odd3);
            i += 2;
            w += WORD;
        }
        if (columns % 2 != 0) {
            FloatVector a = IntVector.fromMemorySegment(I, weights, w, LITTLE_ENDIAN)
                    .lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats();
            even0 = a.fma(FloatVector.broadcast(F, x[i]), even0);
            even1 = a.fma(FloatVector.broadcast(F, x[i + columns]), even1);
            even2 = a.fma(FloatVector.broadcast(F, x[i + 2 * columns]), even2);
            even3 = a.fma(FloatVector.broadcast(F, x[i + 3 * columns]), even3);
        }
        even0.add(odd0).intoArray(sums, y);
        even1.add(odd1).intoArray(sums, y + TILE);
        even2.add(odd2).intoArray(sums, y + 2 * TILE);
        even3.add(odd3).intoArray(sums, y + 3 * TILE);
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
