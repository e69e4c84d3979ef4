package dev.halftone.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.halftone.kernel.Kernels;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** Decoders of types whose elements stand alone: floats and integers of 8 to 64 bits, little-endian. */
final class PlainElements {
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, LITTLE_ENDIAN);
    private static final VarHandle DOUBLE = MethodHandles.byteArrayViewVarHandle(double[].class, LITTLE_ENDIAN);

    private static final Kernels KERNELS = Kernels.best();

    private PlainElements() {}

    static short shortAt(byte[] source, int at) {
        return (short) SHORT.get(source, at);
    }

    static int intAt(byte[] source, int at) {
        return (int) INT.get(source, at);
    }

    private static long longAt(byte[] source, int at) {
        return (long) LONG.get(source, at);
    }

    /** The IEEE half-precision number at a byte offset. */
    static float halfAt(byte[] source, int at) {
        return Float.float16ToFloat(shortAt(source, at));
    }

    static void f16(byte[] source, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = Float.float16ToFloat(shortAt(source, 2 * i));
        }
    }

    static void bf16(byte[] source, float[] target, int count) {
        KERNELS.widenBfloat16(source, target, count);
    }

    static void f32(byte[] source, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = Float.intBitsToFloat(intAt(source, 4 * i));
        }
    }

    static void f64(byte[] source, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = (float) (double) DOUBLE.get(source, 8 * i);
        }
    }

    static void i8(byte[] source, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = source[i];
        }
    }

    static void u8(byte[] source, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = source[i] & 0xFF;
        }
    }

    static void i16(byte[] source, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = shortAt(source, 2 * i);
        }
    }

    static void u16(byte[] source, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = shortAt(source, 2 * i) & 0xFFFF;
        }
    }

    static void i32(byte[] source, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = intAt(source, 4 * i);
        }
    }

    static void u32(byte[] source, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = Integer.toUnsignedLong(intAt(source, 4 * i));
        }
    }

    static void i64(byte[] source, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            target[i] = longAt(source, 8 * i);
        }
    }

    static void u64(byte[] source, float[] target, int count) {
        for (int i = 0; i < count; i++) {
            long v = longAt(source, 8 * i);
            // Above 2^63: halve, keep the lost bit sticky so that the rounding stays right, double.
            target[i] = v >= 0 ? v : 2f * ((v >>> 1) | (v & 1));
        }
    }

    /** A decoder for an 8-bit type with these 256 values. */
    static BlockDecoder lookup(float[] values) {
        return (source, target, count) -> {
            for (int i = 0; i < count; i++) {
                target[i] = values[source[i] & 0xFF];
            }
        };
    }

    /**
     * The values of an 8-bit float with a sign bit.
     *
     * @param mantissaBits 3 for E4M3, 2 for E5M2
     * @param bias of the exponent
     * @param kind how the format spends its special codes
     */
    static float[] float8(int mantissaBits, int bias, Float8Kind kind) {
        float[] values = new float[256];
        int exponents = 1 << (7 - mantissaBits);
        for (int code = 0; code < 256; code++) {
            int mantissa = code & ((1 << mantissaBits) - 1);
            int exponent = (code >> mantissaBits) & (exponents - 1);
            boolean top = exponent == exponents - 1;
            float magnitude = exponent == 0
                    ? Math.scalb((float) mantissa, 1 - bias - mantissaBits)
                    : Math.scalb((float) (mantissa + (1 << mantissaBits)), exponent - bias - mantissaBits);
            magnitude = switch (kind) {
                case IEEE -> top ? (mantissa == 0 ? Float.POSITIVE_INFINITY : Float.NaN) : magnitude;
                case FINITE -> (code & 0x7F) == 0x7F ? Float.NaN : magnitude;
                case FINITE_UNSIGNED_ZERO -> code == 0x80 ? Float.NaN : magnitude;
            };
            values[code] = code < 128 ? magnitude : -magnitude;
        }
        return values;
    }

    /** E8M0: 2^(code - 127); 255 is NaN (OCP Microscaling Formats 1.0, section 5.4.1). */
    static float[] e8m0() {
        float[] values = new float[256];
        for (int code = 0; code < 255; code++) {
            values[code] = Math.scalb(1f, code - 127);
        }
        values[255] = Float.NaN;
        return values;
    }

    /** Which codes of an 8-bit float are not numbers. */
    enum Float8Kind {
        /** Infinities and NaN at the top exponent. */
        IEEE,
        /** "fn": no infinities, NaN at the code with all bits set. */
        FINITE,
        /** "fnuz": no infinities, no negative zero, whose code is the only NaN. */
        FINITE_UNSIGNED_ZERO
    }
}
