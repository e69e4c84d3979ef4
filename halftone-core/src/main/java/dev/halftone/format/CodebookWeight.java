package dev.halftone.format;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.error.InputException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A weight whose codes stand for levels of its own.
 *
 * <ul>
 *   <li>codes: U8 (out, ceil(in * bits / 8)), packed as {@link PackedWeight} says
 *   <li>levels: F32 (2^bits)
 * </ul>
 */
public record CodebookWeight(CodebookFormat format, int out, int in, MemorySegment codes, MemorySegment levels)
        implements StoredWeight {
    public CodebookWeight {
        check("codes", codes, (long) out * format.codeBytes(in));
        check("levels", levels, (long) Float.BYTES << format.bits());
    }

    private static void check(String part, MemorySegment bytes, long expected) {
        if (bytes.byteSize() != expected) {
            throw new InputException(
                    "HT-404",
                    part,
                    "%d bytes; expected %d".formatted(bytes.byteSize(), expected),
                    "quantize the model again");
        }
    }

    /**
     * Packs codes.
     *
     * @param codes (out, in)
     * @param levels (2^bits)
     */
    public static CodebookWeight of(CodebookFormat format, int out, int in, byte[] codes, float[] levels) {
        byte[] packed = new byte[Math.multiplyExact(out, format.codeBytes(in))];
        for (int row = 0; row < out; row++) {
            BitStream.putAll(codes, row * in, in, format.bits(), packed, row * format.codeBytes(in));
        }
        MemorySegment stored = MemorySegment.ofArray(new byte[levels.length * Float.BYTES]);
        for (int k = 0; k < levels.length; k++) {
            ScaleType.F32.write(stored, k, levels[k]);
        }
        return new CodebookWeight(format, out, in, MemorySegment.ofArray(packed), stored);
    }

    @Override
    public long byteSize() {
        return codes.byteSize() + levels.byteSize();
    }

    @Override
    public void decodeRow(int row, float[] target, int at) {
        float[] values = new float[1 << format.bits()];
        for (int k = 0; k < values.length; k++) {
            values[k] = ScaleType.F32.read(levels, k);
        }
        long bit = 8L * row * format.codeBytes(in);
        for (int j = 0; j < in; j++) {
            target[at + j] = values[BitStream.get(codes, bit + (long) j * format.bits(), format.bits())];
        }
    }

    @Override
    public List<StoredPart> parts(String weight) {
        return List.of(
                new StoredPart(
                        weight + PackedLayout.CODES,
                        SafetensorsDtype.U8,
                        new long[] {out, format.codeBytes(in)},
                        codes),
                new StoredPart(
                        weight + PackedLayout.LEVELS, SafetensorsDtype.F32, new long[] {1L << format.bits()}, levels));
    }
}
