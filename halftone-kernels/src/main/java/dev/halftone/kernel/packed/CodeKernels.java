package dev.halftone.kernel.packed;

import java.lang.foreign.MemorySegment;

/** The innermost loops: products of codes with rounded activations. */
interface CodeKernels {
    /**
     * Adds products with blocks [from, from + blocks) of a tile: sums[32 t + r] += scale (sum of code x - zero sum of x) d, one block
     * after the other.
     *
     * @param parts 1, or 2 if each half of a block has a scale: 2-bit and 6-bit codes have to have two, 4-bit ones may, others not
     * @param codes of the tile's first of these blocks, at byte {@code at}
     * @param scales (blocks, parts, 32)
     * @param zero a code that stands for 0, {@link CodeWidth#center} already subtracted
     */
    void dot(
            CodeWidth width,
            int parts,
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int from,
            int blocks,
            float[] scales,
            float[] sums);
}
