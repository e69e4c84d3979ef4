package dev.halftone.format.gguf;

import java.util.Arrays;

/** The bytes of rows, as ggml-common.h lays the blocks out; the inverse of the decoders in {@code checkpoint}. */
public final class BlockBytes {
    private static final int HALF_BLOCK = 128;
    private static final int QUARTER = 32;

    private BlockBytes() {}

    /** Writes the blocks of a row into {@code target} from {@code at} on. */
    public static void write(BlockRow row, byte[] target, int at) {
        BlockLayout layout = row.layout();
        int size = layout.type().blockBytes();
        Arrays.fill(target, at, at + layout.rowBytes(row.in()), (byte) 0);
        for (int b = 0; b < row.d.length; b++) {
            int to = at + b * size;
            int code = b * layout.block();
            switch (layout) {
                case Q4_0, IQ4_NL -> {
                    half(row.d[b], target, to);
                    nibbles(row.codes, code, 16, target, to + 2);
                }
                case Q4_1 -> {
                    half(row.d[b], target, to);
                    half(row.minimum[b], target, to + 2);
                    nibbles(row.codes, code, 16, target, to + 4);
                }
                case Q5_0 -> {
                    half(row.d[b], target, to);
                    fifthBits(row.codes, code, target, to + 2);
                    nibbles(row.codes, code, 16, target, to + 6);
                }
                case Q5_1 -> {
                    half(row.d[b], target, to);
                    half(row.minimum[b], target, to + 2);
                    fifthBits(row.codes, code, target, to + 4);
                    nibbles(row.codes, code, 16, target, to + 8);
                }
                case Q8_0 -> {
                    half(row.d[b], target, to);
                    for (int i = 0; i < layout.block(); i++) {
                        target[to + 2 + i] = (byte) (row.codes[code + i] - 128);
                    }
                }
                case MXFP4 -> {
                    target[to] = (byte) row.d[b];
                    nibbles(row.codes, code, 16, target, to + 1);
                }
                case Q2_K -> q2k(row, b, target, to);
                case Q3_K -> q3k(row, b, target, to);
                case Q4_K -> q4k(row, b, target, to);
                case Q5_K -> q5k(row, b, target, to);
                case Q6_K -> q6k(row, b, target, to);
                case TQ1_0 -> tq10(row, b, target, to);
                case TQ2_0 -> {
                    pairs(row.codes, code, 3, target, to);
                    half(row.d[b], target, to + 64);
                }
            }
        }
    }

    private static void half(short bits, byte[] target, int at) {
        target[at] = (byte) bits;
        target[at + 1] = (byte) (bits >> 8);
    }

    /** Byte j holds the low four bits of elements j and j + distance. */
    private static void nibbles(byte[] codes, int from, int distance, byte[] target, int at) {
        for (int j = 0; j < distance; j++) {
            target[at + j] = (byte) ((codes[from + j] & 15) | (codes[from + j + distance] & 15) << 4);
        }
    }

    /** Bit j is the fifth bit of element j of 32. */
    private static void fifthBits(byte[] codes, int from, byte[] target, int at) {
        for (int j = 0; j < QUARTER; j++) {
            target[at + j / 8] |= (byte) (((codes[from + j] >> 4) & 1) << (j % 8));
        }
    }

    /** Two bits of each element: per half block, byte l holds elements l, l + 32, l + 64, l + 96. */
    private static void pairs(byte[] codes, int from, int mask, byte[] target, int at) {
        for (int half = 0; half < 2; half++) {
            for (int l = 0; l < QUARTER; l++) {
                int code = from + half * HALF_BLOCK + l;
                target[at + half * QUARTER + l] = (byte) ((codes[code] & mask)
                        | (codes[code + QUARTER] & mask) << 2
                        | (codes[code + 2 * QUARTER] & mask) << 4
                        | (codes[code + 3 * QUARTER] & mask) << 6);
            }
        }
    }

    private static void q2k(BlockRow row, int b, byte[] target, int at) {
        for (int r = 0; r < 16; r++) {
            target[at + r] = (byte) ((row.multipliers[16 * b + r] & 15) | row.minimumMultipliers[16 * b + r] << 4);
        }
        pairs(row.codes, 256 * b, 3, target, at + 16);
        half(row.d[b], target, at + 80);
        half(row.minimum[b], target, at + 82);
    }

    private static void q3k(BlockRow row, int b, byte[] target, int at) {
        int code = 256 * b;
        for (int i = 0; i < 256; i++) {
            target[at + i % QUARTER] |= (byte) (((row.codes[code + i] >> 2) & 1) << (i / QUARTER));
        }
        pairs(row.codes, code, 3, target, at + 32);
        for (int r = 0; r < 16; r++) {
            int scale = row.multipliers[16 * b + r] - row.layout().leastMultiplier();
            target[at + 96 + r % 8] |= (byte) ((scale & 15) << (r < 8 ? 0 : 4));
            target[at + 104 + r % 4] |= (byte) ((scale >> 4) << (2 * (r / 4)));
        }
        half(row.d[b], target, at + 108);
    }

    private static void q4k(BlockRow row, int b, byte[] target, int at) {
        half(row.d[b], target, at);
        half(row.minimum[b], target, at + 2);
        sixBits(row, b, target, at + 4);
        for (int part = 0; part < 4; part++) {
            nibbles(row.codes, 256 * b + 64 * part, 32, target, at + 16 + 32 * part);
        }
    }

    private static void q5k(BlockRow row, int b, byte[] target, int at) {
        half(row.d[b], target, at);
        half(row.minimum[b], target, at + 2);
        sixBits(row, b, target, at + 4);
        for (int i = 0; i < 256; i++) {
            target[at + 16 + i % QUARTER] |= (byte) (((row.codes[256 * b + i] >> 4) & 1) << (i / QUARTER));
        }
        for (int part = 0; part < 4; part++) {
            nibbles(row.codes, 256 * b + 64 * part, 32, target, at + 48 + 32 * part);
        }
    }

    /** Eight scales and eight minima of six bits in twelve bytes. */
    private static void sixBits(BlockRow row, int b, byte[] target, int at) {
        for (int r = 0; r < 8; r++) {
            int scale = row.multipliers[8 * b + r];
            int minimum = row.minimumMultipliers[8 * b + r];
            if (r < 4) {
                target[at + r] |= (byte) scale;
                target[at + r + 4] |= (byte) minimum;
            } else {
                target[at + r + 4] = (byte) ((scale & 15) | (minimum & 15) << 4);
                target[at + r - 4] |= (byte) (scale >> 4 << 6);
                target[at + r] |= (byte) (minimum >> 4 << 6);
            }
        }
    }

    private static void q6k(BlockRow row, int b, byte[] target, int at) {
        for (int half = 0; half < 2; half++) {
            int code = 256 * b + half * HALF_BLOCK;
            nibbles(row.codes, code, 64, target, at + 64 * half);
            for (int l = 0; l < QUARTER; l++) {
                target[at + 128 + QUARTER * half + l] = (byte) (row.codes[code + l] >> 4
                        | row.codes[code + l + 32] >> 4 << 2
                        | row.codes[code + l + 64] >> 4 << 4
                        | row.codes[code + l + 96] >> 4 << 6);
            }
        }
        System.arraycopy(row.multipliers, 16 * b, target, at + 192, 16);
        half(row.d[b], target, at + 208);
    }

    private static void tq10(BlockRow row, int b, byte[] target, int at) {
        trits(row.codes, 256 * b, 32, 5, target, at);
        trits(row.codes, 256 * b + 160, 16, 5, target, at + 32);
        trits(row.codes, 256 * b + 240, 4, 4, target, at + 48);
        half(row.d[b], target, at + 52);
    }

    /** Five trits a byte, the first most significant, as a fraction of 256 rounded up; four are followed by a zero. */
    private static void trits(byte[] codes, int from, int bytes, int trits, byte[] target, int at) {
        for (int m = 0; m < bytes; m++) {
            int value = 0;
            for (int n = 0; n < 5; n++) {
                value = 3 * value + (n < trits ? codes[from + m + n * bytes] : 0);
            }
            target[at + m] = (byte) ((value * 256 + 242) / 243);
        }
    }
}
