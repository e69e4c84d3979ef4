package dev.halftone.format.gguf;

import dev.halftone.error.InputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A weight in the blocks of a GGUF type.
 *
 * @param out rows, in Hugging Face order
 * @param bytes (out, {@link BlockLayout#rowBytes}), as a GGUF file stores them
 */
public record BlockWeight(BlockLayout layout, int out, int in, MemorySegment bytes) {
    public BlockWeight {
        long expected = in % layout.block() == 0 ? (long) out * layout.rowBytes(in) : -1;
        if (bytes.byteSize() != expected) {
            throw new InputException(
                    "HT-406",
                    "blocks",
                    "%d bytes for %d x %d in %s".formatted(bytes.byteSize(), out, in, layout),
                    "quantize the model again");
        }
    }

    /** The blocks of a row. */
    public MemorySegment row(int row) {
        int size = layout.rowBytes(in);
        return bytes.asSlice((long) row * size, size);
    }

    /** Decodes row {@code row} into the start of {@code target}. */
    public void decodeRow(int row, float[] target) {
        layout.type().decode(row(row).toArray(ValueLayout.JAVA_BYTE), target, in / layout.block());
    }

    /** All values, (out, in). */
    public float[] decode() {
        float[] values = new float[Math.multiplyExact(out, in)];
        float[] row = new float[in];
        for (int i = 0; i < out; i++) {
            decodeRow(i, row);
            System.arraycopy(row, 0, values, i * in, in);
        }
        return values;
    }
}
