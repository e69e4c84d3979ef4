package dev.halftone.kernel.packed;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Makes {@link PackedMatrix packed matrices} of stored weights. The memory comes from the caller's arena, which has to be one that all
 * threads may use if several pack or multiply.
 */
public final class PackedMatrices {
    private PackedMatrices() {}

    /** Name of the provider that multiplies in this process: "scalar", "vector-256"... */
    public static String provider() {
        return TileChoice.CHOSEN.name();
    }

    /**
     * Repacks a weight.
     *
     * @param blocks rows of blocks as a GGUF file has them, without gaps, little-endian
     * @param columns a multiple of the type's {@link BlockType#columns}
     */
    public static StoredMatrix ofBlocks(
            BlockType type, MemorySegment blocks, int rows, int columns, Arena arena, TileLoop loop) {
        return ofBlocks(TileChoice.CHOSEN, type, blocks, rows, columns, arena, loop);
    }

    static StoredMatrix ofBlocks(
            TileKernels kernels,
            BlockType type,
            MemorySegment blocks,
            int rows,
            int columns,
            Arena arena,
            TileLoop loop) {
        Layouts.checkShape(rows, columns);
        if (columns % type.columns() != 0 || blocks.byteSize() != rows * type.rowBytes(columns)) {
            throw new IllegalArgumentException(
                    "%d bytes of %s for %d rows of %d columns".formatted(blocks.byteSize(), type, rows, columns));
        }
        return switch (type) {
            case F32, F16, BF16 -> FloatPacking.pack(kernels, type, blocks, rows, columns, arena, loop);
            default -> BlockPacking.pack(kernels, type, blocks, rows, columns, arena, loop);
        };
    }

    /** A weight in float32, (rows, columns) little-endian, as it is. */
    public static StoredMatrix ofFloat32(MemorySegment weights, int rows, int columns, Arena arena, TileLoop loop) {
        return ofBlocks(BlockType.F32, weights, rows, columns, arena, loop);
    }

    /** A weight in bfloat16, (rows, columns) little-endian, as it is. */
    public static StoredMatrix ofBfloat16(MemorySegment weights, int rows, int columns, Arena arena, TileLoop loop) {
        return ofBlocks(BlockType.BF16, weights, rows, columns, arena, loop);
    }

    /** GGUF's Q4_0: d (q - 8). */
    public static StoredMatrix ofQ4Zero(MemorySegment blocks, int rows, int columns, Arena arena, TileLoop loop) {
        return ofBlocks(BlockType.Q4_0, blocks, rows, columns, arena, loop);
    }

    /** GGUF's Q8_0: d q. */
    public static StoredMatrix ofQ8Zero(MemorySegment blocks, int rows, int columns, Arena arena, TileLoop loop) {
        return ofBlocks(BlockType.Q8_0, blocks, rows, columns, arena, loop);
    }

    /** Integer codes in groups with a scale each, such as Halftone's own packed weights. */
    public static StoredMatrix ofGroups(CodeGroups groups, CodeGroups.Codes codes, Arena arena, TileLoop loop) {
        return GroupPacking.pack(TileChoice.CHOSEN, groups, codes, arena, loop);
    }

    /**
     * Codes of a table of up to 16 levels, such as NF4's: scale * level[code]. Activations are not rounded.
     *
     * @param groups of 32 columns or a multiple, with codes of 4 bits at most, no zero and no minima
     */
    public static StoredMatrix ofLevels(
            CodeGroups groups, float[] levels, CodeGroups.Codes codes, Arena arena, TileLoop loop) {
        return GroupPacking.packLevels(TileChoice.CHOSEN, groups, levels, codes, arena, loop);
    }

    /**
     * A matrix with differences added to some of its weights, as compressed rows.
     *
     * @param starts where the differences of each row begin, and behind the last row where they end
     * @param columns of the differences, rising in a row
     */
    public static StoredMatrix withDifferences(StoredMatrix dense, int[] starts, int[] columns, float[] differences) {
        return new SparseMatrix(dense, starts, columns, differences);
    }
}
