package dev.halftone.format.gguf;

/** The roundings of ggml's C code, bit for bit. */
final class Rounding {
    /** 1.5 * 2^23: a number of up to 22 bits that is added to it loses its fraction, halves to even. */
    private static final float MAGIC = 12_582_912f;

    private static final int MANTISSA = 0x007F_FFFF;
    private static final int MIDDLE = 0x0040_0000;

    private Rounding() {}

    /** Nearest integer, halves to even; numbers beyond 2^22 wrap as they do in ggml. */
    static int nearest(float x) {
        return (Float.floatToRawIntBits(x + MAGIC) & MANTISSA) - MIDDLE;
    }

    /** The same, bounded. */
    static int nearest(float x, int least, int largest) {
        return Math.max(least, Math.min(largest, nearest(x)));
    }

    /** C's roundf: halves away from zero. In float64 the sum is exact. */
    static int awayFromZero(float x) {
        int magnitude = (int) Math.floor(Math.abs((double) x) + 0.5);
        return x < 0 ? -magnitude : magnitude;
    }

    /** 1 / d, and 0 for a block of zeros. */
    static float inverse(float d) {
        return d == 0 ? 0 : 1 / d;
    }
}
