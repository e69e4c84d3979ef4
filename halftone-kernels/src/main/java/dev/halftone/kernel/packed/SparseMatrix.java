package dev.halftone.kernel.packed;

/**
 * A packed matrix and what is added to some of its weights: outliers. The differences are multiplied with the activations as they are, in
 * the order of the columns, after the dense product.
 */
final class SparseMatrix implements StoredMatrix {
    private final StoredMatrix dense;
    private final int[] starts;
    private final int[] columns;
    private final float[] differences;

    /**
     * @param starts where the differences of a row begin, and behind the last row where they end
     * @param columns of the differences, rising in a row
     */
    SparseMatrix(StoredMatrix dense, int[] starts, int[] columns, float[] differences) {
        check(dense, starts, columns, differences);
        this.dense = dense;
        this.starts = starts.clone();
        this.columns = columns.clone();
        this.differences = differences.clone();
    }

    private static void check(StoredMatrix dense, int[] starts, int[] columns, float[] differences) {
        boolean fits = starts.length == dense.rows() + 1
                && starts[0] == 0
                && starts[dense.rows()] == columns.length
                && columns.length == differences.length;
        for (int row = 0; fits && row < dense.rows(); row++) {
            fits = starts[row] <= starts[row + 1] && starts[row + 1] <= columns.length;
            for (int i = starts[row]; fits && i < starts[row + 1]; i++) {
                fits = columns[i] < dense.columns() && columns[i] > (i == starts[row] ? -1 : columns[i - 1]);
            }
        }
        if (!fits) {
            throw new IllegalArgumentException(
                    "differences that do not fit %d rows of %d columns".formatted(dense.rows(), dense.columns()));
        }
    }

    /** The dense matrix' form, and the activations themselves. */
    private record Inputs(ActivationRows dense, float[] x) implements ActivationRows {
        @Override
        public int tokens() {
            return dense.tokens();
        }

        @Override
        public int columns() {
            return dense.columns();
        }
    }

    @Override
    public int rows() {
        return dense.rows();
    }

    @Override
    public int columns() {
        return dense.columns();
    }

    @Override
    public long bytes() {
        return dense.bytes() + (long) Integer.BYTES * (starts.length + columns.length + differences.length);
    }

    @Override
    public int tile() {
        return dense.tile();
    }

    @Override
    public String layout() {
        return dense.layout() + " and " + differences.length + " differences";
    }

    @Override
    public String provider() {
        return dense.provider();
    }

    @Override
    public ActivationRows inputs(float[] x, int tokens) {
        return new Inputs(dense.inputs(x, tokens), x);
    }

    @Override
    public boolean sharesInputs(PackedMatrix other) {
        return other instanceof SparseMatrix matrix && dense.sharesInputs(matrix.dense);
    }

    @Override
    public void multiply(ActivationRows x, float[] y, int stride, int from, int to) {
        if (!(x instanceof Inputs inputs)) {
            throw new IllegalArgumentException("activations were made for another matrix");
        }
        dense.multiply(inputs.dense(), y, stride, from, to);
        for (int t = 0; t < x.tokens(); t++) {
            for (int row = from; row < to; row++) {
                float sum = y[t * stride + row];
                for (int i = starts[row]; i < starts[row + 1]; i++) {
                    sum = Math.fma(differences[i], inputs.x()[t * columns() + columns[i]], sum);
                }
                y[t * stride + row] = sum;
            }
        }
    }

    @Override
    public void row(int row, float[] target, int at) {
        dense.row(row, target, at);
        for (int i = starts[row]; i < starts[row + 1]; i++) {
            target[at + columns[i]] += differences[i];
        }
    }
}
