package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.BLOCK;
import static dev.halftone.kernel.packed.CodeWidth.TILE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Brings blocks into the order of {@link IntegerMatrix}. */
final class BlockPacking {
    private final BlockReader reader;
    private final MemorySegment source;
    private final long blockBytes;
    private final int blockColumns;
    private final int rows;
    private final int columns;
    private final int blocks;
    private final int lines;
    private final int parts;
    private final MemorySegment codes;
    private final float[] scales;
    private final float[] minima;
    private final MemorySegment scaleFactors;
    private final MemorySegment minimumFactors;

    private BlockPacking(BlockReader reader, BlockType type, MemorySegment source, int rows, int columns, Arena arena) {
        this.reader = reader;
        this.source = source;
        this.blockBytes = type.bytes();
        this.blockColumns = type.columns();
        this.rows = rows;
        this.columns = columns;
        this.blocks = columns / BLOCK;
        this.parts = BLOCK / reader.columns();
        this.lines = columns / reader.scaleColumns();
        long tiles = Layouts.tiles(rows);
        this.codes = arena.allocate(tiles * blocks * reader.width().blockBytes(), Layouts.ALIGNMENT);
        int numbers = Math.toIntExact(tiles * lines * TILE);
        this.scales = new float[numbers];
        this.minima = new float[reader.minima() ? numbers : 0];
        long factors = reader.factors() ? tiles * blocks * parts * TILE : 0;
        this.scaleFactors = arena.allocate(factors, Layouts.ALIGNMENT);
        this.minimumFactors = arena.allocate(reader.minima() ? factors : 0, Layouts.ALIGNMENT);
    }

    static IntegerMatrix pack(
            TileKernels kernels,
            BlockType type,
            MemorySegment source,
            int rows,
            int columns,
            Arena arena,
            TileLoop loop) {
        BlockReader reader = BlockReader.of(type);
        BlockPacking packing = new BlockPacking(reader, type, source, rows, columns, arena);
        loop.forEach(Layouts.tiles(rows), packing::tile);
        Plane scales = packing.plane(packing.scales, packing.scaleFactors, arena);
        Plane minima = reader.minima() ? packing.plane(packing.minima, packing.minimumFactors, arena) : null;
        return new IntegerMatrix(
                kernels,
                type.name(),
                reader.width(),
                rows,
                columns,
                reader.zero(),
                packing.parts,
                packing.codes,
                scales,
                minima);
    }

    private Plane plane(float[] numbers, MemorySegment factors, Arena arena) {
        Plane plane = Plane.of(numbers, lines, blocks * parts / lines, arena);
        return reader.factors() ? new Plane.Products(plane, factors, blocks * parts) : plane;
    }

    private void tile(int tile) {
        BlockReader.Parts block = new BlockReader.Parts();
        int[] code = new int[BLOCK];
        int[] words = new int[reader.width().words()];
        for (int row = tile * TILE; row < Math.min(rows, (tile + 1) * TILE); row++) {
            for (int b = 0; b < columns / blockColumns; b++) {
                reader.taker().take(source, ((long) row * (columns / blockColumns) + b) * blockBytes, block);
                for (int i = 0; i < blockColumns; i += BLOCK) {
                    System.arraycopy(block.codes, i, code, 0, BLOCK);
                    reader.width().pack(code, words);
                    Layouts.storeWords(codes, blocks, row, (b * blockColumns + i) / BLOCK, words);
                }
                storeNumbers(block, row, b);
            }
        }
    }

    private void storeNumbers(BlockReader.Parts block, int row, int b) {
        int perBlock = blockColumns / reader.scaleColumns();
        for (int i = 0; i < perBlock; i++) {
            int at = (int) Plane.index(lines, row, b * perBlock + i);
            scales[at] = block.scales[i];
            if (reader.minima()) {
                minima[at] = block.minima[i];
            }
        }
        if (reader.factors()) {
            for (int i = 0; i < blockColumns / reader.columns(); i++) {
                long at = Plane.index(blocks * parts, row, b * (blockColumns / reader.columns()) + i);
                scaleFactors.set(ValueLayout.JAVA_BYTE, at, block.scaleFactors[i]);
                if (reader.minima()) {
                    minimumFactors.set(ValueLayout.JAVA_BYTE, at, block.minimumFactors[i]);
                }
            }
        }
    }
}
