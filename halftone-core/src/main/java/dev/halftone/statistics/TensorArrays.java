package dev.halftone.statistics;

import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Tensors of a file as Java arrays, each checked for its type and length. */
final class TensorArrays {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final SafetensorsFile file;

    TensorArrays(SafetensorsFile file) {
        this.file = file;
    }

    /**
     * A float64 tensor without NaN.
     *
     * @param length expected; -1 for any multiple of {@code multiple}
     */
    double[] doubles(String name, int length, int multiple) {
        double[] values = bytes(name, "F64", length, multiple).toArray(DOUBLE);
        if (Arrays.stream(values).anyMatch(Double::isNaN)) {
            throw error(name, "a NaN");
        }
        return values;
    }

    /** An int64 tensor; counts are not negative. */
    long[] longs(String name, int length, int multiple) {
        long[] values = bytes(name, "I64", length, multiple).toArray(LONG);
        if (!name.endsWith("keys") && Arrays.stream(values).anyMatch(value -> value < 0)) {
            throw error(name, "a negative count");
        }
        return values;
    }

    float[] floats(String name, int length) {
        return bytes(name, "F32", length, 1).toArray(FLOAT);
    }

    private MemorySegment bytes(String name, String type, int length, int multiple) {
        StoredTensor tensor = file.tensor(name);
        boolean fits = length < 0
                ? tensor.elements() % multiple == 0 && tensor.elements() <= Integer.MAX_VALUE
                : tensor.elements() == length;
        if (!tensor.type().equals(type) || !fits) {
            throw error(
                    name,
                    "%d elements of type %s; expected %s of %s"
                            .formatted(
                                    tensor.elements(),
                                    tensor.type(),
                                    length < 0 ? "a multiple of " + multiple : String.valueOf(length),
                                    type));
        }
        return tensor.bytes();
    }

    InputException error(String name, String found) {
        return new InputException(
                "HT-640", file.path() + ": " + name, found, "write the statistics again with outliers --save");
    }
}
