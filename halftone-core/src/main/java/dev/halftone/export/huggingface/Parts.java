package dev.halftone.export.huggingface;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredPart;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.function.IntUnaryOperator;

/** Tensors that several layouts have. */
final class Parts {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Parts() {}

    static StoredPart part(String name, SafetensorsDtype type, MemorySegment bytes, long... shape) {
        return new StoredPart(name, type, shape, bytes);
    }

    static StoredPart part(String name, SafetensorsDtype type, byte[] bytes, long... shape) {
        return part(name, type, MemorySegment.ofArray(bytes), shape);
    }

    /** I32 (count). */
    static StoredPart ints(String name, int count, IntUnaryOperator value) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[count * Integer.BYTES]);
        for (int i = 0; i < count; i++) {
            bytes.set(INT, 4L * i, value.applyAsInt(i));
        }
        return part(name, SafetensorsDtype.I32, bytes, count);
    }

    /** I64 (values). */
    static StoredPart longs(String name, long... values) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * Long.BYTES]);
        for (int i = 0; i < values.length; i++) {
            bytes.set(LONG, 8L * i, values[i]);
        }
        return part(name, SafetensorsDtype.I64, bytes, values.length);
    }

    /**
     * Scales as F16 (G, out): the transpose of what a packed weight has.
     *
     * @throws dev.halftone.error.InputException HT-692 for a scale that is no F16 number
     */
    static StoredPart halves(String module, PackedWeight weight) {
        int groups = weight.format().groups(weight.in());
        MemorySegment bytes = MemorySegment.ofArray(new byte[weight.out() * groups * Short.BYTES]);
        for (int o = 0; o < weight.out(); o++) {
            for (int g = 0; g < groups; g++) {
                float scale = weight.storedScale(o, g);
                short half = Float.floatToFloat16(scale);
                if (Float.float16ToFloat(half) != scale) {
                    throw Layout.refused(
                            module,
                            "has scales that are no FP16 numbers (%s in row %d): rounding them would change the weights"
                                    .formatted(scale, o));
                }
                bytes.set(SHORT, 2L * ((long) g * weight.out() + o), half);
            }
        }
        return part(module + ".scales", SafetensorsDtype.F16, bytes, groups, weight.out());
    }
}
