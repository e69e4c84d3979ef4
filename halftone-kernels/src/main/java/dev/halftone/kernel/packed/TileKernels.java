package dev.halftone.kernel.packed;

import java.lang.foreign.MemorySegment;

/**
 * Loops over a tile of 32 rows. Every provider gives the same bits: sums of integers are exact, and those of floats run over the blocks
 * of a row one after the other.
 */
interface TileKernels extends CodeKernels {
    /** "scalar", "vector-256"...: for reports. */
    String name();

    /** Rounds a row of activations, which begins at {@code at}: pairs, scales and sums of a token of {@code rows}. */
    void round(float[] x, int at, IntegerRows rows, int token);

    /** {@link CodeWidth#terms}. */
    void terms(CodeWidth width, int[] pairs, int from, int[] terms, int at);

    /** Adds what does not depend on codes: sums[32 t + r] += minimum (d sum of x), one block after the other. */
    void addMinima(int parts, float[] minima, IntegerRows x, int from, int blocks, float[] sums);

    /**
     * FP16 numbers as float32: out[32 i + r] for lines (from + i) / repeat, i below count.
     *
     * @param at byte of the first line, 32 numbers each
     * @param factor what they are multiplied with, a power of two
     */
    void widenHalves(MemorySegment halves, long at, int repeat, float factor, int from, int count, float[] out);

    /** The same for numbers that are stored as float32. */
    void widenFloats(MemorySegment floats, long at, int repeat, int from, int count, float[] out);

    /** out[i] *= bytes[i], signed, i below count. */
    void scaleByBytes(MemorySegment bytes, long at, int count, float[] out);

    /**
     * sums[32 t + r] += W x^T for columns [from, to) of a tile of float32 numbers (columns, 32): a chain of fused multiply-adds over the
     * even columns and one over the odd ones, added at the end.
     */
    void dotFloats(MemorySegment weights, long at, FloatRows x, float[] sums);

    /** The same for bfloat16: (ceil(columns / 2), 32) pairs, the even column in the lower half. */
    void dotBfloats(MemorySegment weights, long at, FloatRows x, float[] sums);

    /**
     * Adds products with blocks [from, from + blocks) of a tile whose codes, those of {@link CodeWidth#FOUR}, stand for levels. In a block the even
     * columns are a chain of fused multiply-adds and the odd ones another; sums[32 t + r] += scale (even + odd), one block after the
     * other.
     *
     * @param levels 16
     * @param scales (blocks, 32)
     */
    void dotLevels(
            float[] levels,
            MemorySegment codes,
            long at,
            FloatRows x,
            int from,
            int blocks,
            float[] scales,
            float[] sums);
}
