package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.BlockReader.half;
import static dev.halftone.kernel.packed.BlockReader.unsigned;

import dev.halftone.kernel.packed.BlockReader.Parts;
import java.lang.foreign.MemorySegment;

/**
 * GGUF's blocks of 256 columns, whose scales and minima are small integers times FP16 numbers d and dmin. Source: ggml-common.h,
 * ggml-quants.c.
 */
final class SuperBlocks {
    private static final int COLUMNS = 256;

    private SuperBlocks() {}

    /** 16 bytes of 4-bit factors (scale low, minimum high), 64 bytes of codes, d, dmin: d sc q - dmin mn. */
    static void q2(MemorySegment source, long at, Parts parts) {
        for (int i = 0; i < 16; i++) {
            int both = unsigned(source, at + i);
            parts.scaleFactors[i] = (byte) (both & 15);
            parts.minimumFactors[i] = (byte) (both >>> 4);
        }
        pairsOfBits(source, at + 16, parts.codes);
        parts.scales[0] = half(source, at + 80);
        parts.minima[0] = -half(source, at + 82);
    }

    /** 32 bytes of third bits, 64 bytes of codes, 16 factors of 6 bits, d: d (sc - 32) (q - 4). */
    static void q3(MemorySegment source, long at, Parts parts) {
        pairsOfBits(source, at + 32, parts.codes);
        for (int j = 0; j < COLUMNS; j++) {
            parts.codes[j] |= (unsigned(source, at + j % 32) >>> (j / 32) & 1) << 2;
        }
        for (int j = 0; j < 16; j++) {
            int low = unsigned(source, at + 96 + j % 8) >>> (j < 8 ? 0 : 4) & 15;
            int high = unsigned(source, at + 104 + j % 4) >>> (2 * (j / 4)) & 3;
            parts.scaleFactors[j] = (byte) ((low | high << 4) - 32);
        }
        parts.scales[0] = half(source, at + 108);
    }

    /** d, dmin, 8 pairs of factors in 12 bytes, 128 bytes of codes: d sc q - dmin mn. */
    static void q4(MemorySegment source, long at, Parts parts) {
        affine(source, at, parts);
        for (int n = 0; n < COLUMNS; n += 64) {
            SmallBlocks.nibbles(source, at + 16 + n / 2, 32, parts.codes, n);
        }
    }

    /** The same with 32 bytes of fifth bits before the codes. */
    static void q5(MemorySegment source, long at, Parts parts) {
        affine(source, at, parts);
        for (int n = 0; n < COLUMNS; n += 64) {
            SmallBlocks.nibbles(source, at + 48 + n / 2, 32, parts.codes, n);
        }
        for (int j = 0; j < COLUMNS; j++) {
            parts.codes[j] |= (unsigned(source, at + 16 + j % 32) >>> (j / 32) & 1) << 4;
        }
    }

    private static void affine(MemorySegment source, long at, Parts parts) {
        parts.scales[0] = half(source, at);
        parts.minima[0] = -half(source, at + 2);
        long s = at + 4;
        for (int j = 0; j < 4; j++) {
            int scale = unsigned(source, s + j);
            int minimum = unsigned(source, s + j + 4);
            int both = unsigned(source, s + j + 8);
            parts.scaleFactors[j] = (byte) (scale & 63);
            parts.minimumFactors[j] = (byte) (minimum & 63);
            parts.scaleFactors[j + 4] = (byte) ((both & 15) | scale >>> 6 << 4);
            parts.minimumFactors[j + 4] = (byte) (both >>> 4 | minimum >>> 6 << 4);
        }
    }

    /** 128 bytes of low halves, 64 of two high bits, 16 signed factors, d: d sc (q - 32). */
    static void q6(MemorySegment source, long at, Parts parts) {
        for (int j = 0; j < COLUMNS; j++) {
            int half = j / 128;
            int quarter = j % 128 / 32;
            int l = j % 32;
            int low = unsigned(source, at + 64L * half + 32L * (quarter % 2) + l) >>> (4 * (quarter / 2)) & 15;
            int high = unsigned(source, at + 128 + 32L * half + l) >>> (2 * quarter) & 3;
            parts.codes[j] = low | high << 4;
        }
        for (int i = 0; i < 16; i++) {
            parts.scaleFactors[i] = source.get(BlockReader.BYTE, at + 192 + i);
        }
        parts.scales[0] = half(source, at + 208);
    }

    /** d, 8 factors of 6 bits in 2 + 4 bytes, 8 runs of 16 bytes: d (ls - 32) level[q]. */
    static void iq4(MemorySegment source, long at, Parts parts) {
        parts.scales[0] = half(source, at);
        int high = source.get(BlockReader.SHORT, at + 2);
        for (int i = 0; i < 8; i++) {
            int low = unsigned(source, at + 4 + i / 2) >>> (4 * (i % 2)) & 15;
            parts.scaleFactors[i] = (byte) ((low | (high >>> (2 * i) & 3) << 4) - 32);
            SmallBlocks.nibbles(source, at + 8 + 16L * i, 16, parts.codes, 32 * i);
        }
        SmallBlocks.iq4Levels(parts.codes, COLUMNS);
    }

    /** TQ2_0: 64 bytes of codes, d: d (q - 1). */
    static void ternary(MemorySegment source, long at, Parts parts) {
        pairsOfBits(source, at, parts.codes);
        parts.scales[0] = half(source, at + 64);
    }

    /** Of each half of the block: byte l holds columns l, l + 32, l + 64 and l + 96. */
    private static void pairsOfBits(MemorySegment source, long at, int[] codes) {
        for (int j = 0; j < COLUMNS; j++) {
            codes[j] = unsigned(source, at + 32L * (j / 128) + j % 32) >>> (2 * (j % 128 / 32)) & 3;
        }
    }
}
