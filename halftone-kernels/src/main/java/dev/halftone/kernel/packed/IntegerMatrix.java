package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.BLOCK;
import static dev.halftone.kernel.packed.CodeWidth.TILE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Weights scale (code - zero) + minimum with integer codes, multiplied with activations that are rounded to int8. A block's sum is an exact
 * integer; the sums of blocks are added in float32 from left to right, {@link #CHUNK} blocks at a time and then their minima.
 */
final class IntegerMatrix implements StoredMatrix {
    /** Blocks whose scales are float32 numbers in a buffer at once: 8 or 16 KiB of the first cache. */
    private static final int CHUNK = 64;

    private final TileKernels kernels;
    private final String layout;
    private final CodeWidth width;
    private final int rows;
    private final int columns;
    private final int blocks;
    private final int zero;
    private final int parts;
    private final MemorySegment codes;
    private final Plane scales;
    private final @Nullable Plane minima;

    /**
     * @param zero the unsigned code that stands for 0
     * @param parts scales of a block: 1 or 2
     */
    IntegerMatrix(
            TileKernels kernels,
            String layout,
            CodeWidth width,
            int rows,
            int columns,
            int zero,
            int parts,
            MemorySegment codes,
            Plane scales,
            @Nullable Plane minima) {
        this.kernels = kernels;
        this.layout = layout;
        this.width = width;
        this.rows = rows;
        this.columns = columns;
        this.blocks = Math.ceilDiv(columns, BLOCK);
        this.zero = zero;
        this.parts = parts;
        this.codes = codes;
        this.scales = scales;
        this.minima = minima;
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
        return codes.byteSize() + scales.bytes() + (minima == null ? 0 : minima.bytes());
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
        return IntegerRows.of(kernels, width, x, tokens, columns);
    }

    @Override
    public boolean sharesInputs(PackedMatrix other) {
        return other instanceof IntegerMatrix matrix && matrix.width == width && matrix.columns == columns;
    }

    @Override
    public void multiply(ActivationRows x, float[] y, int stride, int from, int to) {
        Layouts.checkPiece(this, x, y, stride, from, to);
        if (!(x instanceof IntegerRows input) || input.width() != width) {
            throw new IllegalArgumentException("activations were made for another matrix");
        }
        float[] sums = new float[input.tokens() * TILE];
        float[] numbers = new float[Math.min(blocks, CHUNK) * parts * TILE];
        for (int row = from; row < to; row += TILE) {
            int tile = row / TILE;
            Arrays.fill(sums, 0);
            for (int block = 0; block < blocks; block += CHUNK) {
                int count = Math.min(CHUNK, blocks - block);
                scales.widen(kernels, tile, block * parts, count * parts, numbers);
                long at = ((long) tile * blocks + block) * width.blockBytes();
                kernels.dot(width, parts, zero - width.center(), codes, at, input, block, count, numbers, sums);
                if (minima != null) {
                    minima.widen(kernels, tile, block * parts, count * parts, numbers);
                    kernels.addMinima(parts, numbers, input, block, count, sums);
                }
            }
            Layouts.store(sums, input.tokens(), y, stride, row, to);
        }
    }

    @Override
    public void row(int row, float[] target, int at) {
        int[] words = new int[width.words()];
        int[] code = new int[BLOCK];
        for (int b = 0; b < blocks; b++) {
            Layouts.words(codes, blocks, row, b, words);
            width.unpack(words, code);
            for (int i = 0; i < BLOCK && b * BLOCK + i < columns; i++) {
                int part = b * parts + i * parts / BLOCK;
                float value = scales.get(row, part) * (code[i] - zero);
                target[at + b * BLOCK + i] = minima == null ? value : value + minima.get(row, part);
            }
        }
    }
}
