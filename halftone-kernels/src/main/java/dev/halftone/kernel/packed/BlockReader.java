package dev.halftone.kernel.packed;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Takes blocks of a type apart. A weight is scale * factor * (code - zero) + minimum * factor.
 *
 * @param width of the codes as they are repacked
 * @param zero the unsigned code that stands for 0
 * @param columns of a scale, or of a factor where there are factors: 16 or 32
 * @param scaleColumns columns of a scale of the block
 * @param factors whether there are factors
 * @param minima whether there are minima
 */
record BlockReader(
        CodeWidth width, int zero, int columns, int scaleColumns, boolean factors, boolean minima, Taker taker) {
    static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Reads the block that begins at byte {@code at}. */
    interface Taker {
        void take(MemorySegment source, long at, Parts parts);
    }

    /** What a block consists of. Each type uses a part of it. */
    static final class Parts {
        /** Unsigned. */
        final int[] codes = new int[256];

        final float[] scales = new float[4];
        final float[] minima = new float[4];
        /** Of the scale; one for each {@link #columns}. */
        final byte[] scaleFactors = new byte[16];

        final byte[] minimumFactors = new byte[16];
    }

    private static BlockReader simple(CodeWidth width, int zero, Taker taker) {
        return new BlockReader(width, zero, 32, 32, false, false, taker);
    }

    private static BlockReader affine(CodeWidth width, Taker taker) {
        return new BlockReader(width, 0, 32, 32, false, true, taker);
    }

    static BlockReader of(BlockType type) {
        return switch (type) {
            case F32, F16, BF16 -> throw new IllegalArgumentException(type + " has no codes");
            case Q4_0 -> simple(CodeWidth.FOUR, 8, SmallBlocks::q4Zero);
            case Q4_1 -> affine(CodeWidth.FOUR, SmallBlocks::q4One);
            case Q5_0 -> simple(CodeWidth.FIVE, 16, SmallBlocks::q5Zero);
            case Q5_1 -> affine(CodeWidth.FIVE, SmallBlocks::q5One);
            case Q8_0 -> simple(CodeWidth.EIGHT, SmallBlocks.BYTE_ZERO, SmallBlocks::q8Zero);
            case IQ4_NL -> simple(CodeWidth.EIGHT, SmallBlocks.BYTE_ZERO, SmallBlocks::iq4);
            case MXFP4 -> simple(CodeWidth.FIVE, SmallBlocks.FLOAT_ZERO, SmallBlocks::mxfp4);
            case NVFP4 ->
                new BlockReader(CodeWidth.SIX, SmallBlocks.FLOAT_ZERO, 16, 16, false, false, SmallBlocks::nvfp4);
            case Q2_K -> new BlockReader(CodeWidth.TWO, 0, 16, 256, true, true, SuperBlocks::q2);
            case Q3_K -> new BlockReader(CodeWidth.FOUR, 4, 16, 256, true, false, SuperBlocks::q3);
            case Q4_K -> new BlockReader(CodeWidth.FOUR, 0, 32, 256, true, true, SuperBlocks::q4);
            case Q5_K -> new BlockReader(CodeWidth.FIVE, 0, 32, 256, true, true, SuperBlocks::q5);
            case Q6_K -> new BlockReader(CodeWidth.SIX, 32, 16, 256, true, false, SuperBlocks::q6);
            case IQ4_XS ->
                new BlockReader(CodeWidth.EIGHT, SmallBlocks.BYTE_ZERO, 32, 256, true, false, SuperBlocks::iq4);
            case TQ2_0 -> new BlockReader(CodeWidth.TWO, 1, 16, 256, false, false, SuperBlocks::ternary);
        };
    }

    static float half(MemorySegment source, long at) {
        return Float.float16ToFloat(source.get(SHORT, at));
    }

    static int unsigned(MemorySegment source, long at) {
        return source.get(BYTE, at) & 0xFF;
    }
}
