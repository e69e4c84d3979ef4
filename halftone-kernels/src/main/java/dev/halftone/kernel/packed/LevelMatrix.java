package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.BLOCK;
import static dev.halftone.kernel.packed.CodeWidth.TILE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Weights scale * level[code] with a table of 16 levels, such as NF4's, multiplied with activations as they are. Codes lie as those of
 * {@link CodeWidth#FOUR}. A block's sum is one of float32 products over its even columns and one over its odd ones; then it is scaled.
 */
final class LevelMatrix implements StoredMatrix {
    static final int LEVELS = 16;

    /** Blocks whose scales are in a buffer at once. */
    private static final int CHUNK = 64;

    private final TileKernels kernels;
    private final String layout;
    private final int rows;
    private final int columns;
    private final int blocks;
    private final float[] levels;
    private final MemorySegment codes;
    private final Plane scales;

    LevelMatrix(
            TileKernels kernels,
            String layout,
            int rows,
            int columns,
            float[] levels,
            MemorySegment codes,
            Plane scales) {
        this.kernels = kernels;
        this.layout = layout;
        this.rows = rows;
        this.columns = columns;
        this.blocks = Math.ceilDiv(columns, BLOCK);
        this.levels = Arrays.copyOf(levels, LEVELS);
        this.codes = codes;
        this.scales = scales;
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int columns() {
        return columns;
    }

    @Override
    public long bytes() {
        return codes.byteSize() + scales.bytes();
    }

    @Override
    public int tile() {
        return TILE;
    }

    @Override
    public String layout() {
        return layout;
    }

    @Override
    public String provider() {
        return kernels.name();
    }

    @Override
    public ActivationRows inputs(float[] x, int tokens) {
        return new FloatRows(x, tokens, columns);
    }

    @Override
    public boolean sharesInputs(PackedMatrix other) {
        return (other instanceof LevelMatrix || other instanceof FloatMatrix) && other.columns() == columns;
    }

    @Override
    public void multiply(ActivationRows x, float[] y, int stride, int from, int to) {
        Layouts.checkPiece(this, x, y, stride, from, to);
        if (!(x instanceof FloatRows input)) {
            throw new IllegalArgumentException("activations were made for another matrix");
        }
        float[] sums = new float[input.tokens() * TILE];
        float[] numbers = new float[Math.min(blocks, CHUNK) * TILE];
        for (int row = from; row < to; row += TILE) {
            int tile = row / TILE;
            Arrays.fill(sums, 0);
            for (int block = 0; block < blocks; block += CHUNK) {
                int count = Math.min(CHUNK, blocks - block);
                scales.widen(kernels, tile, block, count, numbers);
                long at = ((long) tile * blocks + block) * CodeWidth.FOUR.blockBytes();
                kernels.dotLevels(levels, codes, at, input, block, count, numbers, sums);
            }
            Layouts.store(sums, input.tokens(), y, stride, row, to);
        }
    }

    @Override
    public void row(int row, float[] target, int at) {
        int[] words = new int[CodeWidth.FOUR.words()];
        int[] code = new int[BLOCK];
        for (int b = 0; b < blocks; b++) {
            Layouts.words(codes, blocks, row, b, words);
            CodeWidth.FOUR.unpack(words, code);
            for (int i = 0; i < BLOCK && b * BLOCK + i < columns; i++) {
                target[at + b * BLOCK + i] = scales.get(row, b) * levels[code[i]];
            }
        }
    }
}
