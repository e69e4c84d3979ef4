package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.BLOCK;
import static dev.halftone.kernel.packed.CodeWidth.TILE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Brings codes in groups into the order of {@link IntegerMatrix}, or of {@link LevelMatrix}. */
final class GroupPacking {
    private GroupPacking() {}

    static IntegerMatrix pack(
            TileKernels kernels, CodeGroups groups, CodeGroups.Codes codes, Arena arena, TileLoop loop) {
        CodeWidth width = CodeWidth.of(groups.bits());
        // Halves of blocks have scales of their own where the kernel knows nothing else, or where a group ends in a
        // block.
        int parts = width.halves() && (width != CodeWidth.FOUR || groups.group() % BLOCK != 0) ? 2 : 1;
        int part = BLOCK / parts;
        Plane scales = plane(groups, groups.scales(), part, arena);
        return new IntegerMatrix(
                kernels,
                "int%d group %d".formatted(groups.bits(), groups.group()),
                width,
                groups.rows(),
                groups.columns(),
                groups.zero(),
                parts,
                codes(width, groups.rows(), groups.columns(), codes, arena, loop),
                scales,
                groups.minima().length == 0 ? null : plane(groups, groups.minima(), part, arena));
    }

    /**
     * Codes of a table's levels.
     *
     * @param groups of 32 columns or a multiple, with codes of 4 bits at most, no zero and no minima
     */
    static LevelMatrix packLevels(
            TileKernels kernels,
            CodeGroups groups,
            float[] levels,
            CodeGroups.Codes codes,
            Arena arena,
            TileLoop loop) {
        if (groups.bits() > 4
                || levels.length < 1 << groups.bits()
                || levels.length > LevelMatrix.LEVELS
                || groups.group() % BLOCK != 0
                || groups.zero() != 0
                || groups.minima().length != 0) {
            throw new IllegalArgumentException("%d levels for %s".formatted(levels.length, groups));
        }
        return new LevelMatrix(
                kernels,
                "%d levels group %d".formatted(levels.length, groups.group()),
                groups.rows(),
                groups.columns(),
                levels,
                codes(CodeWidth.FOUR, groups.rows(), groups.columns(), codes, arena, loop),
                plane(groups, groups.scales(), BLOCK, arena));
    }

    /** Scales in the order of tiles: (tiles, groups, 32), and 0 for parts of blocks behind the last column. */
    private static Plane plane(CodeGroups groups, float[] numbers, int part, Arena arena) {
        int given = Math.ceilDiv(groups.columns(), groups.group());
        int parts = Math.ceilDiv(groups.columns(), BLOCK) * (BLOCK / part);
        int lines = Math.ceilDiv(parts, groups.group() / part);
        float[] ordered = new float[Math.toIntExact((long) Layouts.tiles(groups.rows()) * lines * TILE)];
        for (int row = 0; row < groups.rows(); row++) {
            for (int line = 0; line < given; line++) {
                ordered[(int) Plane.index(lines, row, line)] = numbers[row * given + line];
            }
        }
        return Plane.of(ordered, lines, groups.group() / part, arena);
    }

    private static MemorySegment codes(
            CodeWidth width, int rows, int columns, CodeGroups.Codes codes, Arena arena, TileLoop loop) {
        int blocks = Math.ceilDiv(columns, BLOCK);
        MemorySegment packed =
                arena.allocate((long) Layouts.tiles(rows) * blocks * width.blockBytes(), Layouts.ALIGNMENT);
        loop.forEach(Layouts.tiles(rows), tile -> {
            int[] row = new int[columns];
            int[] code = new int[BLOCK];
            int[] words = new int[width.words()];
            for (int r = tile * TILE; r < Math.min(rows, (tile + 1) * TILE); r++) {
                codes.read(r, row);
                for (int b = 0; b < blocks; b++) {
                    for (int i = 0; i < BLOCK; i++) {
                        code[i] = b * BLOCK + i < columns ? checked(row[b * BLOCK + i], width) : 0;
                    }
                    width.pack(code, words);
                    Layouts.storeWords(packed, blocks, r, b, words);
                }
            }
        });
        return packed;
    }

    private static int checked(int code, CodeWidth width) {
        if (code >>> width.bits() != 0) {
            throw new IllegalArgumentException("code %d of %d bits".formatted(code, width.bits()));
        }
        return code;
    }
}
