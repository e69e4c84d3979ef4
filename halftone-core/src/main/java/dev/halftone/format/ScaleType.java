package dev.halftone.format;

import dev.halftone.checkpoint.SafetensorsDtype;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/** Numbers that scales are stored as. A scale is rounded to its type before codes are computed with it. */
public enum ScaleType {
    F16("fp16", SafetensorsDtype.F16, Float.float16ToFloat((short) 1), 65504f),
    BF16("bf16", SafetensorsDtype.BF16, Float.intBitsToFloat(0x00010000), Float.intBitsToFloat(0x7F7F0000)),
    F32("fp32", SafetensorsDtype.F32, Float.MIN_VALUE, Float.MAX_VALUE),

    /** 4 exponent and 3 mantissa bits, a multiple of one FP32 number per weight: NVFP4's scales. */
    E4M3("e4m3", SafetensorsDtype.F8_E4M3, 0x1p-9f, 448f),

    /** Powers of two, 2^(byte - 127), nearest on the linear scale, ties to the larger: the MX formats' scales. */
    E8M0("e8m0", SafetensorsDtype.F8_E8M0, 0x1p-127f, 0x1p127f);

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String title;
    private final SafetensorsDtype dtype;
    private final float smallest;
    private final float largest;

    ScaleType(String title, SafetensorsDtype dtype, float smallest, float largest) {
        this.title = title;
        this.dtype = dtype;
        this.smallest = smallest;
        this.largest = largest;
    }

    /** The name in recipes and files. */
    public String title() {
        return title;
    }

    /** The type of a tensor of scales in a file. */
    static Optional<ScaleType> of(String dtype) {
        return Arrays.stream(values())
                .filter(type -> type.dtype.name().equals(dtype))
                .findFirst();
    }

    /** The scale type of that name in recipes and files. */
    public static Optional<ScaleType> titled(String title) {
        return Arrays.stream(values()).filter(type -> type.title.equals(title)).findFirst();
    }

    /** What files call it. */
    public SafetensorsDtype dtype() {
        return dtype;
    }

    int bytes() {
        return dtype.bits() / 8;
    }

    /** Largest number of the type. */
    public float largest() {
        return largest;
    }

    /** True if scales are multiples of one number per weight, because the type's own range is short. */
    boolean hasUnit() {
        return this == E4M3;
    }

    /** True if numbers can be negative and there is a zero. */
    boolean signed() {
        return this != E8M0;
    }

    /** The nearest number of the type that is not 0 and not infinite, with the sign of {@code wanted}. */
    float nonZero(float wanted) {
        float magnitude = Math.min(Math.abs(wanted), largest);
        return Math.copySign(Math.max(nearest(magnitude), smallest), wanted);
    }

    /** The nearest finite number of the type, 0 among them. */
    public float nearestFinite(float wanted) {
        return Math.copySign(nearest(Math.min(Math.abs(wanted), largest)), wanted);
    }

    private float nearest(float magnitude) {
        return switch (this) {
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(magnitude));
            case BF16 -> {
                int bits = Float.floatToRawIntBits(magnitude);
                yield Float.intBitsToFloat((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
            }
            case F32 -> magnitude;
            case E4M3 -> {
                float step = Math.scalb(1f, Math.max(Math.getExponent(magnitude), -6) - 3);
                yield (float) Math.rint(magnitude / step) * step;
            }
            case E8M0 -> {
                float below = Math.scalb(1f, Math.getExponent(magnitude));
                yield magnitude >= 1.5f * below ? 2 * below : below;
            }
        };
    }

    /** Writes a number of this type as element {@code index}. */
    void write(MemorySegment target, long index, float value) {
        switch (this) {
            case F16 -> target.set(SHORT, 2 * index, Float.floatToFloat16(value));
            case BF16 -> target.set(SHORT, 2 * index, (short) (Float.floatToRawIntBits(value) >>> 16));
            case F32 -> target.set(FLOAT, 4 * index, value);
            case E4M3 -> {
                float magnitude = Math.abs(value);
                int exponent = Math.max(Math.getExponent(magnitude), -6);
                // Below 2^-6 the exponent field is 0 and the mantissa has no leading 1: the same sum.
                int code = ((exponent + 6) << 3) + (int) Math.scalb(magnitude, 3 - exponent);
                target.set(ValueLayout.JAVA_BYTE, index, (byte) (value < 0 ? code | 0x80 : code));
            }
            case E8M0 -> target.set(ValueLayout.JAVA_BYTE, index, (byte) (Math.getExponent(value) + 127));
        }
    }

    /** Element {@code index}. */
    float read(MemorySegment source, long index) {
        return switch (this) {
            case F16 -> Float.float16ToFloat(source.get(SHORT, 2 * index));
            case BF16 -> Float.intBitsToFloat(source.get(SHORT, 2 * index) << 16);
            case F32 -> source.get(FLOAT, 4 * index);
            case E4M3 -> {
                int code = source.get(ValueLayout.JAVA_BYTE, index);
                int exponent = Math.max((code >> 3) & 15, 1);
                float magnitude = Math.scalb((float) ((code & 7) + ((code & 0x78) == 0 ? 0 : 8)), exponent - 10);
                magnitude = (code & 0x7F) == 0x7F ? Float.NaN : magnitude;
                yield code < 0 ? -magnitude : magnitude;
            }
            case E8M0 -> {
                int code = source.get(ValueLayout.JAVA_BYTE, index) & 0xFF;
                yield code == 255 ? Float.NaN : Math.scalb(1f, code - 127);
            }
        };
    }
}
