package dev.halftone.checkpoint;

import static dev.halftone.checkpoint.PlainElements.halfAt;
import static dev.halftone.checkpoint.PlainElements.intAt;

/**
 * GGUF block types with blocks of 32 (NVFP4: 64) elements. Layouts: docs of ggml, ggml-common.h; the order of float32
 * operations is that of the public Python reader, so that results agree bit for bit.
 *
 * <p>In all of them byte j (0..15) of the codes holds element j in its low nibble and element j + 16 in its high one.
 */
final class GgmlBlocks32 {
    /** The 16 levels of IQ4_NL and IQ4_XS. */
    static final float[] IQ4_LEVELS = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    /** E2M1 values times two; the scale carries the other half. Code 8 is plain zero. */
    private static final float[] E2M1_DOUBLED = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private static final float[] HALF_E8M0 = halfE8m0();
    private static final float[] HALF_UE4M3 = halfUe4m3();

    private GgmlBlocks32() {}

    /** Q4_0: d f16, qs[16]; d * (q - 8). */
    static void q40(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 18, to += 32) {
            float d = halfAt(source, at);
            for (int j = 0; j < 16; j++) {
                int q = source[at + 2 + j];
                target[to + j] = d * ((q & 15) - 8);
                target[to + 16 + j] = d * (((q >> 4) & 15) - 8);
            }
        }
    }

    /** Q4_1: d f16, m f16, qs[16]; d * q + m. */
    static void q41(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 20, to += 32) {
            float d = halfAt(source, at);
            float m = halfAt(source, at + 2);
            for (int j = 0; j < 16; j++) {
                int q = source[at + 4 + j];
                target[to + j] = d * (q & 15) + m;
                target[to + 16 + j] = d * ((q >> 4) & 15) + m;
            }
        }
    }

    /** Q5_0: d f16, qh u32 (fifth bits, bit j for element j), qs[16]; d * (q - 16). */
    static void q50(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 22, to += 32) {
            float d = halfAt(source, at);
            int high = intAt(source, at + 2);
            for (int j = 0; j < 16; j++) {
                int q = source[at + 6 + j];
                target[to + j] = d * (((q & 15) | ((high >> j) & 1) << 4) - 16);
                target[to + 16 + j] = d * ((((q >> 4) & 15) | ((high >> (j + 16)) & 1) << 4) - 16);
            }
        }
    }

    /** Q5_1: d f16, m f16, qh u32, qs[16]; d * q + m. */
    static void q51(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 24, to += 32) {
            float d = halfAt(source, at);
            float m = halfAt(source, at + 2);
            int high = intAt(source, at + 4);
            for (int j = 0; j < 16; j++) {
                int q = source[at + 8 + j];
                target[to + j] = d * ((q & 15) | ((high >> j) & 1) << 4) + m;
                target[to + 16 + j] = d * (((q >> 4) & 15) | ((high >> (j + 16)) & 1) << 4) + m;
            }
        }
    }

    /** Q8_0: d f16, qs int8[32]; d * q. */
    static void q80(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 34, to += 32) {
            float d = halfAt(source, at);
            for (int j = 0; j < 32; j++) {
                target[to + j] = source[at + 2 + j] * d;
            }
        }
    }

    /** IQ4_NL: d f16, qs[16]; d * level[q]. */
    static void iq4nl(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 18, to += 32) {
            levels(source, at + 2, 16, halfAt(source, at), IQ4_LEVELS, target, to);
        }
    }

    /** MXFP4: e E8M0, qs[16]; 2^(e - 127) * E2M1[q]. */
    static void mxfp4(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 17, to += 32) {
            levels(source, at + 1, 16, HALF_E8M0[source[at] & 0xFF], E2M1_DOUBLED, target, to);
        }
    }

    /** NVFP4: four scales UE4M3, then for each sub-block of 16 elements 8 bytes: low nibble element j, high j + 8. */
    static void nvfp4(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 36, to += 64) {
            for (int s = 0; s < 4; s++) {
                levels(source, at + 4 + 8 * s, 8, HALF_UE4M3[source[at + s] & 0xFF], E2M1_DOUBLED, target, to + 16 * s);
            }
        }
    }

    /** Codes of 2 * half elements: low nibbles are the first half of them, high nibbles the second. */
    static void levels(byte[] source, int at, int half, float d, float[] levels, float[] target, int to) {
        for (int j = 0; j < half; j++) {
            int q = source[at + j];
            target[to + j] = d * levels[q & 15];
            target[to + half + j] = d * levels[(q >> 4) & 15];
        }
    }

    /** 2^(e - 128), with the two smallest as subnormals; 255 is not treated as NaN (as in ggml). */
    private static float[] halfE8m0() {
        float[] values = new float[256];
        for (int e = 0; e < 256; e++) {
            values[e] = Math.scalb(1f, e - 128);
        }
        return values;
    }

    /** Half of the E4M3 value, the sign bit ignored; 0x7F is zero (as in ggml). */
    private static float[] halfUe4m3() {
        float[] values = new float[256];
        for (int code = 0; code < 256; code++) {
            int exponent = (code >> 3) & 15;
            int mantissa = code & 7;
            float value = exponent == 0 ? Math.scalb((float) mantissa, -9) : Math.scalb(8f + mantissa, exponent - 10);
            values[code] = code == 0x7F ? 0 : 0.5f * value;
        }
        return values;
    }
}
