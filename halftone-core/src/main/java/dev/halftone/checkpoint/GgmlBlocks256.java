package dev.halftone.checkpoint;

import static dev.halftone.checkpoint.PlainElements.halfAt;
import static dev.halftone.checkpoint.PlainElements.shortAt;

/**
 * GGUF block types with super-blocks of 256 elements: the K-quants, IQ4_XS and the ternary ones. Layouts: ggml-common.h; the
 * order of float32 operations is that of the public Python reader, so that results agree bit for bit.
 */
final class GgmlBlocks256 {
    private static final int BLOCK = 256;

    /** Powers of three modulo 256, to bring trit n of a byte to the top. */
    private static final int[] POW3 = {1, 3, 9, 27, 81};

    private GgmlBlocks256() {}

    /**
     * Q2_K: scales[16] (low nibble scale, high nibble minimum of a sub-block of 16), qs[64], d f16, dmin f16.
     * Codes: per half of 128 elements, byte l holds elements l, l + 32, l + 64, l + 96 at shifts 0, 2, 4, 6.
     */
    static void q2k(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 84, to += BLOCK) {
            float d = halfAt(source, at + 80);
            float dmin = halfAt(source, at + 82);
            for (int s = 0; s < 16; s++) {
                int scale = source[at + s];
                float dl = d * (scale & 15);
                float ml = dmin * ((scale >> 4) & 15);
                int codes = at + 16 + codeByte(s);
                int shift = codeShift(s);
                for (int j = 0; j < 16; j++) {
                    target[to + 16 * s + j] = dl * ((source[codes + j] >> shift) & 3) - ml;
                }
            }
        }
    }

    /**
     * Q3_K: hmask[32] (bit j / 32 of byte j % 32 set if code j is 4 or more), qs[64] in Q2_K's order, scales[12] (16 of 6 bits,
     * minus 32), d f16.
     */
    static void q3k(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 110, to += BLOCK) {
            float d = halfAt(source, at + 108);
            for (int s = 0; s < 16; s++) {
                int low = (source[at + 96 + (s & 7)] >> (s < 8 ? 0 : 4)) & 15;
                int high = (source[at + 104 + (s & 3)] >> (2 * (s >> 2))) & 3;
                float dl = d * ((low | high << 4) - 32);
                int codes = at + 32 + codeByte(s);
                int shift = codeShift(s);
                int mask = at + 16 * (s & 1);
                int bit = s >> 1;
                for (int j = 0; j < 16; j++) {
                    int q = (source[codes + j] >> shift) & 3;
                    target[to + 16 * s + j] = dl * (q - 4 + (((source[mask + j] >> bit) & 1) << 2));
                }
            }
        }
    }

    /** Offset of the 16 code bytes of sub-block s in the 2-bit order. */
    private static int codeByte(int s) {
        return 32 * (s >> 3) + 16 * (s & 1);
    }

    private static int codeShift(int s) {
        return s & 6;
    }

    /** Q4_K: d f16, dmin f16, scales[12], qs[128]; per 64 elements 32 bytes, low nibbles first. */
    static void q4k(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 144, to += BLOCK) {
            float d = halfAt(source, at);
            float dmin = halfAt(source, at + 2);
            for (int s = 0; s < 8; s++) {
                float dl = d * scale6(source, at + 4, s);
                float ml = dmin * min6(source, at + 4, s);
                int codes = at + 16 + 32 * (s >> 1);
                int shift = 4 * (s & 1);
                for (int j = 0; j < 32; j++) {
                    target[to + 32 * s + j] = dl * ((source[codes + j] >> shift) & 15) - ml;
                }
            }
        }
    }

    /** Q5_K: d f16, dmin f16, scales[12], qh[32] (bit s of byte l: fifth bit of element l of sub-block s), qs[128]. */
    static void q5k(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 176, to += BLOCK) {
            float d = halfAt(source, at);
            float dmin = halfAt(source, at + 2);
            for (int s = 0; s < 8; s++) {
                float dl = d * scale6(source, at + 4, s);
                float ml = dmin * min6(source, at + 4, s);
                int high = at + 16;
                int codes = at + 48 + 32 * (s >> 1);
                int shift = 4 * (s & 1);
                for (int j = 0; j < 32; j++) {
                    int q = ((source[codes + j] >> shift) & 15) | ((source[high + j] >> s) & 1) << 4;
                    target[to + 32 * s + j] = dl * q - ml;
                }
            }
        }
    }

    /** The 6-bit scale of sub-block j out of the 12 bytes that hold eight scales and eight minima. */
    private static int scale6(byte[] s, int at, int j) {
        return j < 4 ? s[at + j] & 63 : (s[at + j + 4] & 15) | ((s[at + j - 4] >> 6) & 3) << 4;
    }

    private static int min6(byte[] s, int at, int j) {
        return j < 4 ? s[at + j + 4] & 63 : ((s[at + j + 4] >> 4) & 15) | ((s[at + j] >> 6) & 3) << 4;
    }

    /**
     * Q6_K: ql[128], qh[64], scales int8[16], d f16; d * scale * (q - 32). Per half of 128 elements, quarter k of 32: low bits
     * in nibble k / 2 of ql[l + 32 * (k % 2)], high bits at shift 2k of qh[l].
     */
    static void q6k(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 210, to += BLOCK) {
            float d = halfAt(source, at + 208);
            for (int s = 0; s < 16; s++) {
                float dl = d * source[at + 192 + s];
                int quarter = (s >> 1) & 3;
                int l = 16 * (s & 1);
                int low = at + 64 * (s >> 3) + 32 * (quarter & 1) + l;
                int high = at + 128 + 32 * (s >> 3) + l;
                int lowShift = 4 * (quarter >> 1);
                int highShift = 2 * quarter;
                for (int j = 0; j < 16; j++) {
                    int q = ((source[low + j] >> lowShift) & 15) | ((source[high + j] >> highShift) & 3) << 4;
                    target[to + 16 * s + j] = dl * (q - 32);
                }
            }
        }
    }

    /** IQ4_XS: d f16, scales_h u16, scales_l[4], qs[128] as eight groups of 32; d * (scale - 32) * level[q]. */
    static void iq4xs(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 136, to += BLOCK) {
            float d = halfAt(source, at);
            int high = shortAt(source, at + 2);
            for (int s = 0; s < 8; s++) {
                int scale = ((source[at + 4 + (s >> 1)] >> (4 * (s & 1))) & 15) | ((high >> (2 * s)) & 3) << 4;
                float dl = d * (scale - 32);
                GgmlBlocks32.levels(source, at + 8 + 16 * s, 16, dl, GgmlBlocks32.IQ4_LEVELS, target, to + 32 * s);
            }
        }
    }

    /** TQ1_0: qs[48] (five trits a byte), qh[4] (four trits a byte), d f16; d * (trit - 1). */
    static void tq10(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 54, to += BLOCK) {
            float d = halfAt(source, at + 52);
            trits(source, at, 32, 5, d, target, to);
            trits(source, at + 32, 16, 5, d, target, to + 160);
            trits(source, at + 48, 4, 4, d, target, to + 240);
        }
    }

    /** Trit n of byte m is element m + n * bytes. */
    private static void trits(byte[] source, int at, int bytes, int trits, float d, float[] target, int to) {
        for (int n = 0; n < trits; n++) {
            for (int m = 0; m < bytes; m++) {
                int shifted = (source[at + m] * POW3[n]) & 0xFF;
                target[to + n * bytes + m] = d * (((shifted * 3) >> 8) - 1);
            }
        }
    }

    /** TQ2_0: qs[64] in Q2_K's order, d f16; d * (q - 1). */
    static void tq20(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 66, to += BLOCK) {
            float d = halfAt(source, at + 64);
            for (int s = 0; s < 16; s++) {
                int codes = at + codeByte(s);
                int shift = codeShift(s);
                for (int j = 0; j < 16; j++) {
                    target[to + 16 * s + j] = d * (((source[codes + j] >> shift) & 3) - 1);
                }
            }
        }
    }
}
