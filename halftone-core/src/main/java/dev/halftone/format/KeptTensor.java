package dev.halftone.format;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.StoredTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/**
 * A tensor that a recipe leaves alone, written without any loss: a type that safetensors knows keeps its bytes, a block type
 * whose values are scale * (code - constant) is packed with the same codes and scales, and anything else becomes float32.
 */
public final class KeptTensor {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = 32;

    private KeptTensor() {}

    /** The tensor packed without loss, where its block type allows it: GGUF's Q8_0 and Q4_0. */
    public static Optional<PackedWeight> packed(StoredTensor tensor) {
        int bits = switch (tensor.type()) {
            case "Q8_0" -> 8;
            case "Q4_0" -> 4;
            default -> 0;
        };
        if (bits == 0 || tensor.mustDecode() || tensor.shape().length != 2) {
            return Optional.empty();
        }
        IntGroup format = new IntGroup(bits, BLOCK, true);
        int out = Math.toIntExact(tensor.rows());
        int in = Math.toIntExact(tensor.columns());
        byte[] codes = new byte[out * format.codeBytes(in)];
        MemorySegment scales = MemorySegment.ofArray(new byte[out * format.scaleBytes(in)]);
        MemorySegment source = tensor.bytes();
        int codeBytes = BLOCK * bits / 8;
        for (int block = 0; block < out * (in / BLOCK); block++) {
            long at = (long) block * (2 + codeBytes);
            scales.set(HALF, 2L * block, source.get(HALF, at));
            for (int i = 0; i < codeBytes; i++) {
                codes[block * codeBytes + i] = bits == 8
                        ? (byte) (source.get(ValueLayout.JAVA_BYTE, at + 2 + i) + format.middle())
                        : nibbles(source, at + 2, i);
            }
        }
        return Optional.of(new PackedWeight(
                format, out, in, MemorySegment.ofArray(codes), scales, MemorySegment.ofArray(new byte[0])));
    }

    /** Codes 2i and 2i + 1 of a block that stores element j beside element j + 16. */
    private static byte nibbles(MemorySegment source, long at, int i) {
        return (byte) (nibble(source, at, 2 * i) | nibble(source, at, 2 * i + 1) << 4);
    }

    private static int nibble(MemorySegment source, long at, int element) {
        int pair = source.get(ValueLayout.JAVA_BYTE, at + element % 16) & 0xff;
        return element < 16 ? pair & 15 : pair >>> 4;
    }

    /** The tensor as safetensors stores it; what has to be decoded lives in the arena. */
    public static StoredPart plain(StoredTensor tensor, Arena arena) {
        Optional<SafetensorsDtype> same = Arrays.stream(SafetensorsDtype.values())
                .filter(dtype -> dtype.name().equals(tensor.type()))
                .findFirst();
        if (same.isPresent() && !tensor.mustDecode()) {
            return new StoredPart(tensor.name(), same.get(), tensor.shape(), tensor.bytes());
        }
        MemorySegment decoded = arena.allocate(tensor.elements() * Float.BYTES, 64);
        tensor.decode(0, tensor.rows(), decoded);
        return new StoredPart(tensor.name(), SafetensorsDtype.F32, tensor.shape(), decoded);
    }
}
