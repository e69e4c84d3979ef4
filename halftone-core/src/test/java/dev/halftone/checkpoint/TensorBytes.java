package dev.halftone.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.zip.CRC32;

/** Shortcuts for comparing decoded tensors. */
final class TensorBytes {
    private TensorBytes() {}

    static float[] decode(StoredTensor tensor) {
        return decode(tensor, 0, tensor.rows());
    }

    static float[] decode(StoredTensor tensor, long from, long to) {
        float[] values = new float[Math.toIntExact(tensor.elements() == 0 ? 0 : (to - from) * tensor.columns())];
        tensor.decode(from, to, MemorySegment.ofArray(values));
        return values;
    }

    /** CRC-32 of the decoded tensor as little-endian float32. */
    static long crcOfDecoded(StoredTensor tensor) {
        byte[] bytes = new byte[Math.toIntExact(tensor.elements() * Float.BYTES)];
        tensor.decode(0, tensor.rows(), MemorySegment.ofArray(bytes));
        return crc(bytes);
    }

    static long crc(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return crc.getValue();
    }

    static float[] floats(byte[] littleEndian) {
        return MemorySegment.ofArray(littleEndian)
                .toArray(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
    }
}
