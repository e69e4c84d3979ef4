package dev.halftone.runtime;

import dev.halftone.kernel.packed.ActivationRows;
import dev.halftone.kernel.packed.PackedMatrix;

/** Float32 weights multiplied by the plainest loop, for tests of what lies around the products. */
record PlainMatrix(int rows, int columns, float[] values) implements PackedMatrix {
    /** Decodes whatever is stored. */
    static final MatrixFactory FACTORY = new MatrixFactory() {
        @Override
        public String description() {
            return "plain float32";
        }

        @Override
        public PackedMatrix matrix(ModelMatrix weight) {
            float[] values = new float[weight.rows() * weight.columns()];
            float[] row = new float[weight.columns()];
            for (int i = 0; i < weight.rows(); i++) {
                weight.decodeRow(i, row);
                System.arraycopy(row, 0, values, i * row.length, row.length);
            }
            return new PlainMatrix(weight.rows(), weight.columns(), values);
        }

        @Override
        public void close() {}
    };

    private record Inputs(float[] x, int tokens, int columns) implements ActivationRows {}

    @Override
    public long bytes() {
        return 4L * values.length;
    }

    @Override
    public int tile() {
        return 4;
    }

    @Override
    public ActivationRows inputs(float[] x, int tokens) {
        return new Inputs(x, tokens, columns);
    }

    @Override
    public boolean sharesInputs(PackedMatrix other) {
        return other instanceof PlainMatrix;
    }

    @Override
    public void multiply(ActivationRows x, float[] y, int stride, int from, int to) {
        float[] values = ((Inputs) x).x();
        for (int t = 0; t < x.tokens(); t++) {
            for (int r = from; r < to; r++) {
                float sum = 0;
                for (int c = 0; c < columns; c++) {
                    sum = Math.fma(this.values[r * columns + c], values[t * columns + c], sum);
                }
                y[t * stride + r] = sum;
            }
        }
    }
}
