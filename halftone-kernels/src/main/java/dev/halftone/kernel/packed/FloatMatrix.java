package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.TILE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Weights in float32, (tiles, columns, 32), or bfloat16, (tiles, ceil(columns / 2), 32) pairs, multiplied with activations as they are.
 */
final class FloatMatrix implements StoredMatrix {
    private final TileKernels kernels;
    private final int rows;
    private final int columns;
    private final boolean brain;
    private final MemorySegment weights;

    FloatMatrix(TileKernels kernels, int rows, int columns, boolean brain, MemorySegment weights) {
        this.kernels = kernels;
        this.rows = rows;
        this.columns = columns;
        this.brain = brain;
        this.weights = weights;
    }

    /** Ints or floats of a row. */
    static int units(int columns, boolean brain) {
        return brain ? Math.ceilDiv(columns, 2) : columns;
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
        return weights.byteSize();
    }

    @Override
    public int tile() {
        return TILE;
    }

    @Override
    public String layout() {
        return brain ? "BF16" : "F32";
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
        return (other instanceof FloatMatrix || other instanceof LevelMatrix) && other.columns() == columns;
    }

    @Override
    public void multiply(ActivationRows x, float[] y, int stride, int from, int to) {
        Layouts.checkPiece(this, x, y, stride, from, to);
        if (!(x instanceof FloatRows input)) {
            throw new IllegalArgumentException("activations were made for another matrix");
        }
        float[] sums = new float[input.tokens() * TILE];
        for (int row = from; row < to; row += TILE) {
            long at = (long) row * units(columns, brain) * Integer.BYTES;
            if (brain) {
                kernels.dotBfloats(weights, at, input, sums);
            } else {
                kernels.dotFloats(weights, at, input, sums);
            }
            Layouts.store(sums, input.tokens(), y, stride, row, to);
        }
    }

    @Override
    public void row(int row, float[] target, int at) {
        for (int c = 0; c < columns; c++) {
            int unit = weights.getAtIndex(
                    ValueLayout.JAVA_INT, Plane.index(units(columns, brain), row, brain ? c / 2 : c));
            if (brain) {
                unit = c % 2 == 0 ? unit << Short.SIZE : unit & 0xFFFF_0000;
            }
            target[at + c] = Float.intBitsToFloat(unit);
        }
    }
}
