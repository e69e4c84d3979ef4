package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.PAIRS;
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
 * Products of codes with many tokens at one vector width, a hidden class for each ({@link TileChoice}). A block's codes are cut out of their
 * words once and stay in the first cache; then four tokens share each of them.
 */
final class VectorManyTokens implements CodeKernels {
    private static final VectorShape SHAPE = VectorShape.forBitSize(TileChoice.bits(MethodHandles.lookup()));
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
    private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, SHAPE);
    /** Rows of a vector. */
    private static final int L = I.length();

    /** Does the wide tokens of x. */
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
        int[] plain = new int[PAIRS * TILE];
        for (int b = 0; b < blocks; b++) {
            unpack(width, codes, at + (long) b * width.blockBytes(), plain);
            for (int row = 0; row < TILE; row += L) {
                for (int t = 0; t < x.wide(); t += IntegerRows.TOGETHER) {
                    if (width == CodeWidth.EIGHT) {
                        bytes(plain, row, zero, x, t, from + b, scales, b * TILE, sums);
                    } else {
                        for (int part = 0; part < parts; part++) {
                            int line = (b * parts + part) * TILE;
                            shorts(plain, row, zero, x, t, from + b, parts, part, scales, line, sums);
                        }
                    }
                }
            }
        }
    }

    /** Codes less {@link CodeWidth#center} of a block: 16 pairs of all rows. */
    private static void unpack(CodeWidth width, MemorySegment codes, long at, int[] plain) {
        for (int f = 0; f < width.fieldCount(); f++) {
            CodeWidth.Field field = width.field(f);
            short mask = (short) ((1 << field.bits()) - 1);
            for (int row = 0; row < TILE; row += L) {
                long w = at + (long) Integer.BYTES * (field.word() * TILE + row);
                ShortVector v = IntVector.fromMemorySegment(I, codes, w, LITTLE_ENDIAN)
                        .reinterpretAsShorts()
                        .lanewise(VectorOperators.LSHR, field.shift())
                        .and(mask);
                int to = field.pair() * TILE + row;
                ShortVector code = field.part() == 0
                        ? v.sub((short) width.center())
                        : IntVector.fromArray(I, plain, to)
                                .reinterpretAsShorts()
                                .add(v.lanewise(VectorOperators.LSHL, field.part()));
                code.reinterpretAsInts().intoArray(plain, to);
            }
        }
    }

    /** Codes of up to 6 bits, whose sums over a part of a block fit 16 bits. */
    private static void shorts(
            int[] plain,
            int row,
            int zero,
            IntegerRows x,
            int token,
            int block,
            int parts,
            int part,
            float[] scales,
            int line,
            float[] sums) {
        int[] pairs = x.pairs();
        int k = block * x.tokens() + token;
        int first = part * (PAIRS / parts);
        ShortVector s0 = ShortVector.zero(S);
        ShortVector s1 = s0;
        ShortVector s2 = s0;
        ShortVector s3 = s0;
        for (int i = first; i < first + PAIRS / parts; i++) {
            ShortVector v = IntVector.fromArray(I, plain, i * TILE + row).reinterpretAsShorts();
            s0 = s0.add(times(v, pairs[k * PAIRS + i]));
            s1 = s1.add(times(v, pairs[(k + 1) * PAIRS + i]));
            s2 = s2.add(times(v, pairs[(k + 2) * PAIRS + i]));
            s3 = s3.add(times(v, pairs[(k + 3) * PAIRS + i]));
        }
        FloatVector scale = FloatVector.fromArray(F, scales, line + row);
        int y = token * TILE + row;
        add(widen(s0).sub(zero * sum(x, k, parts, part)), scale, x.scales()[k], sums, y);
        add(widen(s1).sub(zero * sum(x, k + 1, parts, part)), scale, x.scales()[k + 1], sums, y + TILE);
        add(widen(s2).sub(zero * sum(x, k + 2, parts, part)), scale, x.scales()[k + 2], sums, y + 2 * TILE);
        add(widen(s3).sub(zero * sum(x, k + 3, parts, part)), scale, x.scales()[k + 3], sums, y + 3 * TILE);
    }

    /** Codes of 8 bits: two products fit 16 bits. */
    private static void bytes(
            int[] plain,
            int row,
            int zero,
            IntegerRows x,
            int token,
            int block,
            float[] scales,
            int line,
            float[] sums) {
        int[] pairs = x.pairs();
        int k = block * x.tokens() + token;
        IntVector s0 = IntVector.broadcast(I, -zero * sum(x, k, 1, 0));
        IntVector s1 = IntVector.broadcast(I, -zero * sum(x, k + 1, 1, 0));
        IntVector s2 = IntVector.broadcast(I, -zero * sum(x, k + 2, 1, 0));
        IntVector s3 = IntVector.broadcast(I, -zero * sum(x, k + 3, 1, 0));
        for (int i = 0; i < PAIRS; i += 2) {
            ShortVector u = IntVector.fromArray(I, plain, i * TILE + row).reinterpretAsShorts();
            ShortVector v = IntVector.fromArray(I, plain, (i + 1) * TILE + row).reinterpretAsShorts();
            int p = k * PAIRS + i;
            s0 = s0.add(widen(times(u, pairs[p]).add(times(v, pairs[p + 1]))));
            s1 = s1.add(widen(times(u, pairs[p + PAIRS]).add(times(v, pairs[p + PAIRS + 1]))));
            s2 = s2.add(widen(times(u, pairs[p + 2 * PAIRS]).add(times(v, pairs[p + 2 * PAIRS + 1]))));
            s3 = s3.add(widen(times(u, pairs[p + 3 * PAIRS]).add(times(v, pairs[p + 3 * PAIRS + 1]))));
        }
        FloatVector scale = FloatVector.fromArray(F, scales, line + row);
        int y = token * TILE + row;
        add(s0, scale, x.scales()[k], sums, y);
        add(s1, scale, x.scales()[k + 1], sums, y + TILE);
        add(s2, scale, x.scales()[k + 2], sums, y + 2 * TILE);
        add(s3, scale, x.scales()[k + 3], sums, y + 3 * TILE);
    }

    private static int sum(IntegerRows x, int index, int parts, int part) {
        int[] halves = x.sums();
        return parts == 1 ? halves[2 * index] + halves[2 * index + 1] : halves[2 * index + part];
    }

    private static void add(IntVector s, FloatVector scale, float d, float[] sums, int y) {
        ((FloatVector) s.convertShape(VectorOperators.I2F, F, 0))
                .fma(scale.mul(d), FloatVector.fromArray(F, sums, y))
                .intoArray(sums, y);
    }

    private static ShortVector times(ShortVector v, int pair) {
        return v.mul(IntVector.broadcast(I, pair).reinterpretAsShorts());
    }

    /** The sum of each pair of 16-bit numbers. */
    private static IntVector widen(ShortVector pairs) {
        IntVector p = pairs.reinterpretAsInts();
        return p.lanewise(VectorOperators.LSHL, Short.SIZE)
                .lanewise(VectorOperators.ASHR, Short.SIZE)
                .add(p.lanewise(VectorOperators.ASHR, Short.SIZE));
    }
}
