package dev.halftone.discrete;

import dev.halftone.error.InputException;
import java.util.Arrays;

/** A matrix of few numbers, by columns (CSC) for moves and by rows (CSR) for the look at single constraints. */
public final class SparseMatrix implements ConstraintMatrix {
    private final int rows;
    private final int columns;

    /** Column j has its numbers at starts[j] .. starts[j + 1] - 1; its rows rise. */
    private final int[] starts;

    private final int[] rowOf;
    private final double[] values;

    private final int[] rowStarts;
    private final int[] columnOf;
    private final double[] byRow;

    private SparseMatrix(int rows, int columns, int[] starts, int[] rowOf, double[] values) {
        this.rows = rows;
        this.columns = columns;
        this.starts = starts;
        this.rowOf = rowOf;
        this.values = values;
        this.rowStarts = new int[rows + 1];
        for (int k : rowOf) {
            rowStarts[k + 1]++;
        }
        for (int k = 0; k < rows; k++) {
            rowStarts[k + 1] += rowStarts[k];
        }
        this.columnOf = new int[rowOf.length];
        this.byRow = new double[rowOf.length];
        int[] next = Arrays.copyOf(rowStarts, rows);
        for (int j = 0; j < columns; j++) {
            for (int at = starts[j]; at < starts[j + 1]; at++) {
                int place = next[rowOf[at]]++;
                columnOf[place] = j;
                byRow[place] = values[at];
            }
        }
    }

    /** Collects the numbers of a matrix row by row. */
    public static final class Builder {
        private final int columns;
        private int rows;
        private int count;
        private int[] row = new int[1024];
        private int[] column = new int[1024];
        private double[] value = new double[1024];

        /** @param columns n */
        public Builder(int columns) {
            this.columns = columns;
        }

        /** Begins the next row. */
        public Builder row() {
            rows++;
            return this;
        }

        /** A number of the row that was begun last; a column that comes again in a row is added up. */
        public Builder add(int toColumn, double a) {
            if (rows == 0 || toColumn < 0 || toColumn >= columns || !Double.isFinite(a)) {
                throw new InputException(
                        "HT-760",
                        "A",
                        "row %d, column %d: %s; expected a finite number in one of %d columns"
                                .formatted(rows - 1, toColumn, a, columns),
                        "");
            }
            if (count == row.length) {
                row = Arrays.copyOf(row, 2 * count);
                column = Arrays.copyOf(column, 2 * count);
                value = Arrays.copyOf(value, 2 * count);
            }
            row[count] = rows - 1;
            column[count] = toColumn;
            value[count++] = a;
            return this;
        }

        /** The matrix. */
        public SparseMatrix build() {
            int[] starts = new int[columns + 1];
            for (int i = 0; i < count; i++) {
                starts[column[i] + 1]++;
            }
            for (int j = 0; j < columns; j++) {
                starts[j + 1] += starts[j];
            }
            int[] rowOf = new int[count];
            double[] values = new double[count];
            int[] ends = Arrays.copyOf(starts, columns);
            for (int i = 0; i < count; i++) {
                int j = column[i];
                boolean again = ends[j] > starts[j] && rowOf[ends[j] - 1] == row[i];
                int place = again ? ends[j] - 1 : ends[j]++;
                rowOf[place] = row[i];
                values[place] += value[i];
            }
            return compact(starts, ends, rowOf, values);
        }

        private SparseMatrix compact(int[] starts, int[] ends, int[] rowOf, double[] values) {
            int at = 0;
            int[] packed = new int[columns + 1];
            for (int j = 0; j < columns; j++) {
                int length = ends[j] - starts[j];
                System.arraycopy(rowOf, starts[j], rowOf, at, length);
                System.arraycopy(values, starts[j], values, at, length);
                at += length;
                packed[j + 1] = at;
            }
            return new SparseMatrix(rows, columns, packed, Arrays.copyOf(rowOf, at), Arrays.copyOf(values, at));
        }
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int columns() {
        return columns;
    }

    /** How many numbers there are. */
    public int count() {
        return values.length;
    }

    @Override
    public void add(double[] d, int column, double factor) {
        for (int at = starts[column]; at < starts[column + 1]; at++) {
            d[rowOf[at]] += factor * values[at];
        }
    }

    @Override
    public void row(int k, double[] target) {
        Arrays.fill(target, 0);
        for (int at = rowStarts[k]; at < rowStarts[k + 1]; at++) {
            target[columnOf[at]] = byRow[at];
        }
    }

    /** A[k, :] x. */
    public double rowTimes(int k, double[] x) {
        double sum = 0;
        for (int at = rowStarts[k]; at < rowStarts[k + 1]; at++) {
            sum += byRow[at] * x[columnOf[at]];
        }
        return sum;
    }

    /** x += factor * A[k, :]^T. */
    public void addRow(int k, double factor, double[] x) {
        for (int at = rowStarts[k]; at < rowStarts[k + 1]; at++) {
            x[columnOf[at]] += factor * byRow[at];
        }
    }

    @Override
    public double squaresGrowth(double[] d, int i, double f, int j, double g) {
        double[] growth = new double[1];
        touched(d, i, f, j, g, (k, moved) -> growth[0] += moved * moved - d[k] * d[k]);
        return growth[0];
    }

    private interface Touch {
        void at(int k, double moved);
    }

    /** Every row that one of two columns touches, once, with what becomes of d there. */
    private void touched(double[] d, int i, double f, int j, double g, Touch touch) {
        int p = starts[i];
        int q = starts[j];
        int pEnd = starts[i + 1];
        int qEnd = starts[j + 1];
        while (p < pEnd || q < qEnd) {
            int k = Math.min(p < pEnd ? rowOf[p] : rows, q < qEnd ? rowOf[q] : rows);
            double moved = d[k];
            if (p < pEnd && rowOf[p] == k) {
                moved += f * values[p++];
            }
            if (q < qEnd && rowOf[q] == k) {
                moved += g * values[q++];
            }
            touch.at(k, moved);
        }
    }

    /**
     * The largest |d + f A[:, i] + g A[:, j]|, or some value above {@code limit} as soon as there is one.
     *
     * @param worst rows in the order of falling |d|, no other row above the last
     */
    double largest(double[] d, int[] worst, int i, double f, int j, double g, double limit) {
        double untouched = 0;
        int r = 0;
        while (r < worst.length && (touches(i, worst[r]) || touches(j, worst[r]))) {
            r++;
        }
        if (r < worst.length) {
            untouched = Math.abs(d[worst[r]]);
            if (untouched > limit) {
                return untouched;
            }
        } else {
            // Every one of the worst is touched, which is rare: look at all the others.
            for (int k = 0; k < rows; k++) {
                if (Math.abs(d[k]) > untouched && !touches(i, k) && !touches(j, k)) {
                    untouched = Math.abs(d[k]);
                }
            }
        }
        double[] largest = {untouched};
        touched(d, i, f, j, g, (_, moved) -> largest[0] = Math.max(largest[0], Math.abs(moved)));
        return largest[0];
    }

    private boolean touches(int column, int k) {
        return Arrays.binarySearch(rowOf, starts[column], starts[column + 1], k) >= 0;
    }
}
