package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.BlockReader.half;
import static dev.halftone.kernel.packed.BlockReader.unsigned;

import dev.halftone.kernel.packed.BlockReader.Parts;
import java.lang.foreign.MemorySegment;

/**
 * GGUF's blocks of 32 columns (NVFP4: 64). d and m are FP16 numbers. Where codes are halves of bytes, byte j holds column j in its low
 * half and column j + 16 in its high half. Source: ggml-common.h.
 */
final class SmallBlocks {
    /** What makes signed bytes unsigned. */
    static final int BYTE_ZERO = 128;

    /** What makes twice a number of {@link #E2M1_DOUBLED} an unsigned code of 5 bits. */
    static final int FLOAT_ZERO = 16;

    private static final int[] IQ4_LEVELS = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    /** Twice the values of E2M1; the scale carries the other half. */
    private static final int[] E2M1_DOUBLED = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private SmallBlocks() {}

    /** d, 16 bytes: d (q - 8). */
    static void q4Zero(MemorySegment source, long at, Parts parts) {
        parts.scales[0] = half(source, at);
        nibbles(source, at + 2, 16, parts.codes, 0);
    }

    /** d, m, 16 bytes: d q + m. */
    static void q4One(MemorySegment source, long at, Parts parts) {
        parts.scales[0] = half(source, at);
        parts.minima[0] = half(source, at + 2);
        nibbles(source, at + 4, 16, parts.codes, 0);
    }

    /** d, 32 fifth bits, 16 bytes: d (q - 16). */
    static void q5Zero(MemorySegment source, long at, Parts parts) {
        parts.scales[0] = half(source, at);
        nibbles(source, at + 6, 16, parts.codes, 0);
        addFifthBits(source.get(BlockReader.INT, at + 2), parts.codes);
    }

    /** d, m, 32 fifth bits, 16 bytes: d q + m. */
    static void q5One(MemorySegment source, long at, Parts parts) {
        parts.scales[0] = half(source, at);
        parts.minima[0] = half(source, at + 2);
        nibbles(source, at + 8, 16, parts.codes, 0);
        addFifthBits(source.get(BlockReader.INT, at + 4), parts.codes);
    }

    /** d, 32 signed bytes: d q. */
    static void q8Zero(MemorySegment source, long at, Parts parts) {
        parts.scales[0] = half(source, at);
        for (int j = 0; j < CodeWidth.BLOCK; j++) {
            parts.codes[j] = source.get(BlockReader.BYTE, at + 2 + j) + BYTE_ZERO;
        }
    }

    /** d, 16 bytes: d level[q]. */
    static void iq4(MemorySegment source, long at, Parts parts) {
        parts.scales[0] = half(source, at);
        nibbles(source, at + 2, 16, parts.codes, 0);
        levels(IQ4_LEVELS, BYTE_ZERO, parts.codes, CodeWidth.BLOCK);
    }

    /** e, 16 bytes: 2^(e - 127) E2M1[q]. Exponent 255 is a number like the others, as in ggml. */
    static void mxfp4(MemorySegment source, long at, Parts parts) {
        parts.scales[0] = Math.scalb(1f, unsigned(source, at) - 128);
        nibbles(source, at + 1, 16, parts.codes, 0);
        levels(E2M1_DOUBLED, FLOAT_ZERO, parts.codes, CodeWidth.BLOCK);
    }

    /** Four numbers in E4M3, then 8 bytes for each run of 16 columns: E4M3 * E2M1[q]. The sign is ignored and 0x7F is 0, as in ggml. */
    static void nvfp4(MemorySegment source, long at, Parts parts) {
        for (int s = 0; s < 4; s++) {
            parts.scales[s] = halfOfE4m3(unsigned(source, at + s));
            nibbles(source, at + 4 + 8L * s, 8, parts.codes, 16 * s);
        }
        levels(E2M1_DOUBLED, FLOAT_ZERO, parts.codes, 64);
    }

    private static float halfOfE4m3(int code) {
        int exponent = code >> 3 & 15;
        int mantissa = code & 7;
        if (code == 0x7F) {
            return 0;
        }
        return exponent == 0 ? Math.scalb((float) mantissa, -10) : Math.scalb(8f + mantissa, exponent - 11);
    }

    static void nibbles(MemorySegment source, long at, int bytes, int[] codes, int to) {
        for (int j = 0; j < bytes; j++) {
            int both = unsigned(source, at + j);
            codes[to + j] = both & 15;
            codes[to + bytes + j] = both >>> 4;
        }
    }

    private static void addFifthBits(int bits, int[] codes) {
        for (int j = 0; j < CodeWidth.BLOCK; j++) {
            codes[j] |= (bits >>> j & 1) << 4;
        }
    }

    /** Codes of levels become the levels, as unsigned codes. */
    private static void levels(int[] levels, int zero, int[] codes, int count) {
        for (int j = 0; j < count; j++) {
            codes[j] = levels[codes[j]] + zero;
        }
    }

    static void iq4Levels(int[] codes, int count) {
        levels(IQ4_LEVELS, BYTE_ZERO, codes, count);
    }
}
