package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.PAIRS;
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
        int[] found = new int[2 * IntegerRows.TOGETHER * L];
        for (int b = 0; b < blocks; b++) {
            unpack(width, codes, at + (long) b * width.blockBytes(), plain);
            for (int row = 0; row < TILE; row += 2 * L) {
                for (int t = 0; t < x.wide(); t += IntegerRows.TOGETHER) {
                    int k = (from + b) * x.tokens() + t;
                    for (int part = 0; part < parts; part++) {
                        if (width == CodeWidth.EIGHT) {
                            bytes(plain, row, x, k, found, 0);
                            bytes(plain, row + L, x, k, found, IntegerRows.TOGETHER);
                        } else {
                            shorts(plain, row, x, k, parts, part, found);
                        }
                        int line = (b * parts + part) * TILE + row;
                        int y = t * TILE + row;
                        add(found, 0, zero, x, k, parts, part, scales, line, sums, y);
                        add(found, IntegerRows.TOGETHER, zero, x, k, parts, part, scales, line + L, sums, y + L);
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
                        .lanewise(LSHR, field.shift())
                        .and(mask);
                int to = field.pair() * TILE + row;
                ShortVector code = field.part() == 0
                        ? v.sub((short) width.center())
                        : IntVector.fromArray(I, plain, to)
                                .reinterpretAsShorts()
                                .add(v.lanewise(LSHL, field.part()));
                code.reinterpretAsInts().intoArray(plain, to);
            }
        }
    }

    /** Codes of up to 6 bits, whose sums over a part of a block fit 16 bits: rows of two vectors by four tokens. */
    private static void shorts(int[] plain, int row, IntegerRows x, int k, int parts, int part, int[] found) {
        int[] pairs = x.pairs();
        int first = part * (PAIRS / parts);
        ShortVector s0 = ShortVector.zero(S);
        ShortVector s1 = s0;
        ShortVector s2 = s0;
        ShortVector s3 = s0;
        ShortVector r0 = s0;
        ShortVector r1 = s0;
        ShortVector r2 = s0;
        ShortVector r3 = s0;
        for (int i = first; i < first + PAIRS / parts; i++) {
            ShortVector v = IntVector.fromArray(I, plain, i * TILE + row).reinterpretAsShorts();
            ShortVector u = IntVector.fromArray(I, plain, i * TILE + row + L).reinterpretAsShorts();
            int p = k * PAIRS + i;
            ShortVector x0 = IntVector.broadcast(I, pairs[p]).reinterpretAsShorts();
            s0 = s0.add(v.mul(x0));
            r0 = r0.add(u.mul(x0));
            ShortVector x1 = IntVector.broadcast(I, pairs[p + PAIRS]).reinterpretAsShorts();
            s1 = s1.add(v.mul(x1));
            r1 = r1.add(u.mul(x1));
            ShortVector x2 = IntVector.broadcast(I, pairs[p + 2 * PAIRS]).reinterpretAsShorts();
            s2 = s2.add(v.mul(x2));
            r2 = r2.add(u.mul(x2));
            ShortVector x3 = IntVector.broadcast(I, pairs[p + 3 * PAIRS]).reinterpretAsShorts();
            s3 = s3.add(v.mul(x3));
            r3 = r3.add(u.mul(x3));
        }
        s0.reinterpretAsInts().intoArray(found, 0);
        s1.reinterpretAsInts().intoArray(found, L);
        s2.reinterpretAsInts().intoArray(found, 2 * L);
        s3.reinterpretAsInts().intoArray(found, 3 * L);
        r0.reinterpretAsInts().intoArray(found, 4 * L);
        r1.reinterpretAsInts().intoArray(found, 5 * L);
        r2.reinterpretAsInts().intoArray(found, 6 * L);
        r3.reinterpretAsInts().intoArray(found, 7 * L);
        for (int i = 0; i < 2 * IntegerRows.TOGETHER * L; i += L) {
            IntVector p = IntVector.fromArray(I, found, i);
            p.lanewise(LSHL, 16).lanewise(ASHR, 16).add(p.lanewise(ASHR, 16)).intoArray(found, i);
        }
    }

    /** Codes of 8 bits: two products fit 16 bits. */
    private static void bytes(int[] plain, int row, IntegerRows x, int k, int[] found, int to) {
        int[] pairs = x.pairs();
        for (int t = 0; t < IntegerRows.TOGETHER; t++) {
            IntVector s = IntVector.zero(I);
            int p = (k + t) * PAIRS;
            for (int i = 0; i < PAIRS; i += 2) {
                ShortVector u = IntVector.fromArray(I, plain, i * TILE + row).reinterpretAsShorts();
                ShortVector v =
                        IntVector.fromArray(I, plain, (i + 1) * TILE + row).reinterpretAsShorts();
                IntVector q = u.mul(IntVector.broadcast(I, pairs[p + i]).reinterpretAsShorts())
                        .add(v.mul(IntVector.broadcast(I, pairs[p + i + 1]).reinterpretAsShorts()))
                        .reinterpretAsInts();
                s = s.add(q.lanewise(LSHL, 16).lanewise(ASHR, 16)).add(q.lanewise(ASHR, 16));
            }
            s.intoArray(found, (to + t) * L);
        }
    }

    /** Adds the sums of four tokens over a part of a block, scaled: those that stand in {@code found} from vector {@code first} on. */
    private static void add(
            int[] found,
            int first,
            int zero,
            IntegerRows x,
            int k,
            int parts,
            int part,
            float[] scales,
            int at,
            float[] sums,
            int y) {
        FloatVector scale = FloatVector.fromArray(F, scales, at);
        int[] halves = x.sums();
        for (int t = 0; t < IntegerRows.TOGETHER; t++) {
            int i = 2 * (k + t);
            int offset = zero * (parts == 1 ? halves[i] + halves[i + 1] : halves[i + part]);
            ((FloatVector) IntVector.fromArray(I, found, (first + t) * L)
                            .sub(offset)
                            .convertShape(I2F, F, 0))
                    .fma(scale.mul(x.scales()[k + t]), FloatVector.fromArray(F, sums, y + t * TILE))
                    .intoArray(sums, y + t * TILE);
        }
    }
}
