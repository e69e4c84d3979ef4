package dev.halftone.kernel.packed;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** A weight in the bytes of a block type, and what each element of it is: written from the format's description, without the product's readers. */
record SampleBlocks(BlockType type, MemorySegment blocks, int rows, int columns) {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Random bytes, with numbers of FP16, BF16 and float32 that are finite and of usual size. */
    static SampleBlocks random(BlockType type, int rows, int columns, RandomGenerator random) {
        byte[] bytes = new byte[Math.toIntExact(rows * type.rowBytes(columns))];
        random.nextBytes(bytes);
        return finite(new SampleBlocks(type, MemorySegment.ofArray(bytes), rows, columns), random);
    }

    static SampleBlocks filled(BlockType type, int rows, int columns, byte fill) {
        byte[] bytes = new byte[Math.toIntExact(rows * type.rowBytes(columns))];
        Arrays.fill(bytes, fill);
        return finite(new SampleBlocks(type, MemorySegment.ofArray(bytes), rows, columns), null);
    }

    private static SampleBlocks finite(SampleBlocks sample, @Nullable RandomGenerator random) {
        for (long at = 0; at < sample.blocks.byteSize(); at += sample.type.bytes()) {
            sample.fix(at, random);
        }
        return sample;
    }

    void fix(long at, @Nullable RandomGenerator random) {
        for (int offset : numbers(type)) {
            float value = random == null ? 0.75f : (float) random.nextGaussian() * 0.05f;
            switch (type) {
                case F32 -> blocks.set(FLOAT, at, value);
                case BF16 -> blocks.set(BlockReader.SHORT, at, (short) (Float.floatToRawIntBits(value) >>> Short.SIZE));
                case MXFP4 ->
                    blocks.set(BlockReader.BYTE, at, (byte) (random == null ? 126 : 115 + random.nextInt(12)));
                default -> blocks.set(BlockReader.SHORT, at + offset, Float.floatToFloat16(value));
            }
        }
    }

    /** Where in a block its numbers are. */
    private static int[] numbers(BlockType type) {
        return switch (type) {
            case F32, F16, BF16, Q4_0, Q5_0, Q8_0, IQ4_NL, IQ4_XS -> new int[] {0};
            case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
            case Q2_K -> new int[] {80, 82};
            case Q3_K -> new int[] {108};
            case Q6_K -> new int[] {208};
            case TQ2_0 -> new int[] {64};
            case MXFP4 -> new int[] {0};
            case NVFP4 -> new int[] {};
        };
    }

    StoredMatrix pack(TileKernels kernels, Arena arena) {
        return PackedMatrices.ofBlocks(kernels, type, blocks, rows, columns, arena, TileLoop.SEQUENTIAL);
    }

    private int octet(long at) {
        return blocks.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
    }

    private float half(long at) {
        return Float.float16ToFloat(blocks.get(BlockReader.SHORT, at));
    }

    float weight(int row, int column) {
        long at = row * type.rowBytes(columns) + (long) (column / type.columns()) * type.bytes();
        int j = column % type.columns();
        return switch (type) {
            case F32 -> blocks.get(FLOAT, at);
            case F16 -> half(at);
            case BF16 -> Float.intBitsToFloat(blocks.get(BlockReader.SHORT, at) << 16);
            case Q4_0 -> half(at) * (nibble(at + 2, j) - 8);
            case Q4_1 -> half(at) * nibble(at + 4, j) + half(at + 2);
            case Q5_0 -> half(at) * (nibble(at + 6, j) + 16 * bit(at + 2, j) - 16);
            case Q5_1 -> half(at) * (nibble(at + 8, j) + 16 * bit(at + 4, j)) + half(at + 2);
            case Q8_0 -> half(at) * (byte) octet(at + 2 + j);
            case IQ4_NL -> half(at) * IQ4[nibble(at + 2, j)];
            case MXFP4 -> (float) (Math.pow(2, octet(at) - 127) * e2m1(nibble(at + 1, j)));
            case NVFP4 ->
                e4m3(octet(at + j / 16)) * e2m1(octet(at + 4 + j / 16 * 8L + j % 8) >>> (j % 16 < 8 ? 0 : 4) & 15);
            case Q2_K ->
                half(at + 80) * (octet(at + j / 16) & 15) * twoBits(at + 16, j)
                        - half(at + 82) * (octet(at + j / 16) >>> 4);
            case Q3_K ->
                half(at + 108)
                        * (sixBits(at + 96, j / 16) - 32)
                        * (twoBits(at + 32, j) - ((octet(at + j % 32) >>> (j / 32) & 1) == 1 ? 0 : 4));
            case Q4_K ->
                half(at) * scale(at + 4, j / 32) * nibble64(at + 16, j) - half(at + 2) * minimum(at + 4, j / 32);
            case Q5_K ->
                half(at)
                                * scale(at + 4, j / 32)
                                * (nibble64(at + 48, j) + 16 * (octet(at + 16 + j % 32) >>> (j / 32) & 1))
                        - half(at + 2) * minimum(at + 4, j / 32);
            case Q6_K -> half(at + 208) * (byte) octet(at + 192 + j / 16) * (sixBitCode(at, j) - 32);
            case IQ4_XS ->
                half(at)
                        * (((octet(at + 4 + j / 64) >>> (4 * (j / 32 % 2)) & 15)
                                        | (octet(at + 2 + j / 128) >>> (2 * (j / 32 % 4)) & 3) << 4)
                                - 32)
                        * IQ4[nibble(at + 8 + j / 32 * 16L, j % 32)];
            case TQ2_0 -> half(at + 64) * (twoBits(at, j) - 1);
        };
    }

    private static final int[] IQ4 = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    private static float e2m1(int code) {
        float magnitude = new float[] {0, 0.5f, 1, 1.5f, 2, 3, 4, 6}[code & 7];
        return code < 8 ? magnitude : -magnitude;
    }

    private static float e4m3(int code) {
        int exponent = code >>> 3 & 15;
        float mantissa = (code & 7) / 8f;
        return code == 0x7F ? 0 : (float) (exponent == 0 ? mantissa / 64 : (1 + mantissa) * Math.pow(2, exponent - 7));
    }

    private int bit(long at, int j) {
        return octet(at + j / 8) >>> (j % 8) & 1;
    }

    private int twoBits(long at, int j) {
        return octet(at + j / 128 * 32L + j % 32) >>> (2 * (j / 32 % 4)) & 3;
    }

    /** The 6-bit factors of Q3_K. */
    private int sixBits(long at, int j) {
        return (octet(at + j % 8) >>> (j < 8 ? 0 : 4) & 15) | (octet(at + 8 + j % 4) >>> (2 * (j / 4)) & 3) << 4;
    }

    private int nibble64(long at, int j) {
        return octet(at + j / 64 * 32L + j % 32) >>> (j % 64 < 32 ? 0 : 4) & 15;
    }

    private int scale(long at, int j) {
        return j < 4 ? octet(at + j) & 63 : (octet(at + j + 4) & 15) | octet(at + j - 4) >>> 6 << 4;
    }

    private int minimum(long at, int j) {
        return j < 4 ? octet(at + j + 4) & 63 : octet(at + j + 4) >>> 4 | octet(at + j) >>> 6 << 4;
    }

    private int sixBitCode(long at, int j) {
        int half = j / 128;
        int l = j % 32;
        int low = octet(at + 64L * half + (j % 128 / 32 % 2) * 32L + l) >>> (j % 128 < 64 ? 0 : 4) & 15;
        return low | (octet(at + 128 + 32L * half + l) >>> (2 * (j % 128 / 32)) & 3) << 4;
    }

    /** Element j of 32, the second 16 in the high halves of the bytes. */
    private int nibble(long at, int j) {
        return octet(at + j % 16) >>> (j < 16 ? 0 : 4) & 15;
    }
}
