package dev.halftone.format;

import dev.halftone.error.InputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A weight as it is stored. Three parts, each row-major with rows padded to whole bytes:
 *
 * <ul>
 *   <li>codes: (out, ceil(in * bits / 8)) bytes; code j of a row occupies bits j*bits .. j*bits + bits - 1, counted from the
 *       lowest bit of the row's first byte
 *   <li>scales: (out, groups) FP16, little-endian
 *   <li>zeros: (out, ceil(groups * bits / 8)) bytes, packed like codes; empty if symmetric
 * </ul>
 */
public record PackedWeight(
        IntGroup format, int out, int in, MemorySegment codes, MemorySegment scales, MemorySegment zeros) {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    public PackedWeight {
        check(codes.byteSize(), (long) out * format.codeBytes(in), "codes");
        check(scales.byteSize(), (long) out * format.scaleBytes(in), "scales");
        check(zeros.byteSize(), (long) out * format.zeroBytes(in), "zeros");
    }

    private static void check(long found, long expected, String part) {
        if (found != expected) {
            throw new InputException(
                    "HT-404", part, "%d bytes; expected %d".formatted(found, expected), "quantize the model again");
        }
    }

    /**
     * Packs codes and grids.
     *
     * @param codes (out, in), one code per element
     * @param scales (out, groups)
     * @param zeros (out, groups); ignored if the format is symmetric
     */
    public static PackedWeight of(IntGroup format, int out, int in, byte[] codes, float[] scales, byte[] zeros) {
        int groups = format.groups(in);
        byte[] packedCodes = new byte[Math.multiplyExact(out, format.codeBytes(in))];
        byte[] packedScales = new byte[out * format.scaleBytes(in)];
        byte[] packedZeros = new byte[out * format.zeroBytes(in)];
        MemorySegment scaleMemory = MemorySegment.ofArray(packedScales);
        for (int i = 0; i < out; i++) {
            pack(codes, i * in, in, format.bits(), packedCodes, i * format.codeBytes(in));
            for (int g = 0; g < groups; g++) {
                long at = 2L * ((long) i * groups + g);
                scaleMemory.set(HALF, at, Float.floatToFloat16(scales[i * groups + g]));
            }
            if (!format.symmetric()) {
                pack(zeros, i * groups, groups, format.bits(), packedZeros, i * format.zeroBytes(in));
            }
        }
        return new PackedWeight(
                format, out, in, MemorySegment.ofArray(packedCodes), scaleMemory, MemorySegment.ofArray(packedZeros));
    }

    /** Bytes of all parts. */
    public long byteSize() {
        return codes.byteSize() + scales.byteSize() + zeros.byteSize();
    }

    /** Decodes row {@code row} into {@code target} from {@code at} on. */
    public void decodeRow(int row, float[] target, int at) {
        int groups = format.groups(in);
        int perGroup = format.groupIn(in);
        long codeRow = (long) row * format.codeBytes(in);
        long zeroRow = (long) row * format.zeroBytes(in);
        for (int g = 0; g < groups; g++) {
            float scale = Float.float16ToFloat(scales.get(HALF, 2 * ((long) row * groups + g)));
            int zero = format.symmetric() ? format.middle() : code(zeros, zeroRow, g);
            for (int j = g * perGroup; j < (g + 1) * perGroup; j++) {
                target[at + j] = GroupGrid.value(code(codes, codeRow, j), scale, zero);
            }
        }
    }

    /** All values, (out, in). */
    public float[] decode() {
        float[] values = new float[Math.multiplyExact(out, in)];
        for (int i = 0; i < out; i++) {
            decodeRow(i, values, i * in);
        }
        return values;
    }

    private int code(MemorySegment packed, long rowStart, int index) {
        int bit = index * format.bits();
        long at = rowStart + (bit >> 3);
        int word = packed.get(ValueLayout.JAVA_BYTE, at) & 0xff;
        if ((bit & 7) + format.bits() > 8) {
            word |= (packed.get(ValueLayout.JAVA_BYTE, at + 1) & 0xff) << 8;
        }
        return (word >>> (bit & 7)) & format.largest();
    }

    private static void pack(byte[] values, int from, int count, int bits, byte[] target, int at) {
        for (int j = 0; j < count; j++) {
            int bit = j * bits;
            int value = (values[from + j] & 0xff) << (bit & 7);
            target[at + (bit >> 3)] |= (byte) value;
            if ((bit & 7) + bits > 8) {
                target[at + (bit >> 3) + 1] |= (byte) (value >>> 8);
            }
        }
    }
}
