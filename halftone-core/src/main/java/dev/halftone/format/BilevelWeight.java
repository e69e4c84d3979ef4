package dev.halftone.format;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.error.InputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A weight with two levels of scales. Row-major, rows padded to whole bytes, little-endian:
 *
 * <ul>
 *   <li>codes: U8 (out, ceil(in * bits / 8)), packed as {@link PackedWeight} says
 *   <li>scales, zeros: U8 (out, ceil(groups * statisticBits / 8)) each, codes packed likewise
 *   <li>statistics: F16 (tiles, groups, 4): step and zero of the scales' codes, step and zero of the zero points' codes
 *   <li>groupOf: U16 (in), only if the format is reordered
 * </ul>
 *
 * <p>s = statistics[0] (scale code - statistics[1]), z = statistics[2] (zero code - statistics[3]), value = s code - s z, in float32.
 */
public record BilevelWeight(
        BilevelGroup format,
        int out,
        int in,
        MemorySegment codes,
        MemorySegment scales,
        MemorySegment zeros,
        MemorySegment statistics,
        MemorySegment groupOf)
        implements StoredWeight {
    /** Numbers of a tile's group. */
    static final int NUMBERS = 4;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** The smallest scale: what a group of equal values leaves. */
    private static final float LEAST_SCALE = 1e-9f;

    /**
     * Codes before they are packed.
     *
     * @param codes (out, in)
     * @param scales (out, groups) codes; zeros likewise
     * @param statistics (tiles, groups, 4), numbers that FP16 has
     * @param groupOf (in)
     */
    public record Codes(byte[] codes, byte[] scales, byte[] zeros, float[] statistics, int[] groupOf) {}

    public BilevelWeight {
        int groups = format.groups(in);
        check("codes", codes, (long) out * format.codeBytes(in));
        check("scales", scales, (long) out * format.statisticBytes(in));
        check("zeros", zeros, (long) out * format.statisticBytes(in));
        check("statistics", statistics, (long) format.tiles(out) * groups * NUMBERS * Short.BYTES);
        check("g_idx", groupOf, format.reordered() ? (long) in * Short.BYTES : 0);
        for (int j = 0; j < groupOf.byteSize() / Short.BYTES; j++) {
            if (group(groupOf, j) >= groups) {
                throw broken("g_idx", "input %d is in group %d of %d".formatted(j, group(groupOf, j), groups));
            }
        }
    }

    private static void check(String part, MemorySegment bytes, long expected) {
        if (bytes.byteSize() != expected) {
            throw broken(part, "%d bytes; expected %d".formatted(bytes.byteSize(), expected));
        }
    }

    private static InputException broken(String part, String finding) {
        return new InputException("HT-404", part, finding, "quantize the model again");
    }

    /** Packs codes. */
    public static BilevelWeight of(BilevelGroup format, int out, int in, Codes found) {
        int groups = format.groups(in);
        byte[] codes = new byte[Math.multiplyExact(out, format.codeBytes(in))];
        byte[] scales = new byte[out * format.statisticBytes(in)];
        byte[] zeros = new byte[scales.length];
        for (int row = 0; row < out; row++) {
            BitStream.putAll(found.codes(), row * in, in, format.bits(), codes, row * format.codeBytes(in));
            int at = row * format.statisticBytes(in);
            BitStream.putAll(found.scales(), row * groups, groups, format.statisticBits(), scales, at);
            BitStream.putAll(found.zeros(), row * groups, groups, format.statisticBits(), zeros, at);
        }
        MemorySegment statistics = MemorySegment.ofArray(new byte[found.statistics().length * Short.BYTES]);
        for (int i = 0; i < found.statistics().length; i++) {
            statistics.set(SHORT, 2L * i, Float.floatToFloat16(found.statistics()[i]));
        }
        MemorySegment groupOf = MemorySegment.ofArray(new byte[format.reordered() ? in * Short.BYTES : 0]);
        for (int j = 0; j < groupOf.byteSize() / Short.BYTES; j++) {
            groupOf.set(SHORT, 2L * j, (short) found.groupOf()[j]);
        }
        return new BilevelWeight(
                format,
                out,
                in,
                MemorySegment.ofArray(codes),
                MemorySegment.ofArray(scales),
                MemorySegment.ofArray(zeros),
                statistics,
                groupOf);
    }

    /** A number of the second level of codes. */
    public static float number(int code, float step, float zero) {
        return step * (code - zero);
    }

    /** A scale as codes are computed with it. */
    public static float scale(int code, float step, float zero) {
        return Math.max(number(code, step, zero), LEAST_SCALE);
    }

    private static int group(MemorySegment groupOf, int input) {
        return groupOf.get(SHORT, 2L * input) & 0xFFFF;
    }

    @Override
    public long byteSize() {
        return codes.byteSize() + scales.byteSize() + zeros.byteSize() + statistics.byteSize() + groupOf.byteSize();
    }

    private float statistic(int tile, int g, int number) {
        long at = ((long) tile * format.groups(in) + g) * NUMBERS + number;
        return Float.float16ToFloat(statistics.get(SHORT, 2 * at));
    }

    @Override
    public void decodeRow(int row, float[] target, int at) {
        int groups = format.groups(in);
        int tile = row / format.rows();
        long statisticBit = 8L * row * format.statisticBytes(in);
        float[] scale = new float[groups];
        float[] offset = new float[groups];
        for (int g = 0; g < groups; g++) {
            long bit = statisticBit + (long) g * format.statisticBits();
            int s = BitStream.get(scales, bit, format.statisticBits());
            int z = BitStream.get(zeros, bit, format.statisticBits());
            scale[g] = scale(s, statistic(tile, g, 0), statistic(tile, g, 1));
            offset[g] = -scale[g] * number(z, statistic(tile, g, 2), statistic(tile, g, 3));
        }
        long codeBit = 8L * row * format.codeBytes(in);
        for (int j = 0; j < in; j++) {
            int g = groupOf.byteSize() == 0 ? j / format.group() : group(groupOf, j);
            int code = BitStream.get(codes, codeBit + (long) j * format.bits(), format.bits());
            target[at + j] = code * scale[g] + offset[g];
        }
    }

    @Override
    public List<StoredPart> parts(String weight) {
        int groups = format.groups(in);
        List<StoredPart> parts = new ArrayList<>();
        parts.add(part(weight + PackedLayout.CODES, SafetensorsDtype.U8, codes, out, format.codeBytes(in)));
        parts.add(part(weight + PackedLayout.SCALES, SafetensorsDtype.U8, scales, out, format.statisticBytes(in)));
        parts.add(part(weight + PackedLayout.ZEROS, SafetensorsDtype.U8, zeros, out, format.statisticBytes(in)));
        parts.add(part(
                weight + PackedLayout.STATISTICS,
                SafetensorsDtype.F16,
                statistics,
                format.tiles(out),
                groups,
                NUMBERS));
        if (groupOf.byteSize() > 0) {
            parts.add(part(weight + PackedLayout.GROUP_OF, SafetensorsDtype.U16, groupOf, in));
        }
        return parts;
    }

    private static StoredPart part(String name, SafetensorsDtype type, MemorySegment bytes, long... shape) {
        return new StoredPart(name, type, shape, bytes);
    }
}
