package dev.halftone.discrete;

import dev.halftone.error.InputException;
import dev.halftone.kernel.Kernels;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A matrix with all its numbers, column by column: a move reads whole columns. */
public final class DenseMatrix implements ConstraintMatrix {
    private static final Kernels KERNELS = Kernels.best();

    /** Columns from which on A^T A, 8 n^2 bytes, is not kept. */
    private static final int TOO_WIDE = 4097;

    /** Rows of A that A^T A sums at once. */
    private static final int PANEL = 256;

    private final int rows;
    private final int columns;
    private final double[] values;

    /** For each row max(0, largest number) - min(0, smallest number): no swap with steps up to 1 moves it further. */
    private final double[] reach;

    /** A^T A (n, n), once somebody has asked for it. */
    private volatile double @Nullable [] products;

    /** @param values column-major, without gaps, finite; not copied */
    public DenseMatrix(int rows, int columns, double[] values) {
        if (rows < 1 || columns < 1 || values.length != Math.multiplyExact(rows, columns)) {
            throw new InputException(
                    "HT-760",
                    "A",
                    "%d numbers for %d rows and %d columns".formatted(values.length, rows, columns),
                    "give rows times columns numbers");
        }
        this.rows = rows;
        this.columns = columns;
        this.values = values;
        double[] low = new double[rows];
        double[] high = new double[rows];
        for (int j = 0; j < columns; j++) {
            for (int k = 0; k < rows; k++) {
                double a = values[j * rows + k];
                low[k] = Math.min(low[k], a);
                high[k] = Math.max(high[k], a);
            }
        }
        this.reach = new double[rows];
        for (int k = 0; k < rows; k++) {
            reach[k] = high[k] - low[k];
            if (!Double.isFinite(reach[k])) {
                throw new InputException("HT-760", "A", "row " + k + " has a number that is not finite", "");
            }
        }
    }

    /** Of rows of equal length. */
    public static DenseMatrix ofRows(double[][] a) {
        int columns = a.length == 0 ? 0 : a[0].length;
        double[] values = new double[Math.multiplyExact(a.length, columns)];
        for (int k = 0; k < a.length; k++) {
            if (a[k].length != columns) {
                throw new InputException(
                        "HT-760", "A", "row %d has %d numbers; expected %d".formatted(k, a[k].length, columns), "");
            }
            for (int j = 0; j < columns; j++) {
                values[j * a.length + k] = a[k][j];
            }
        }
        return new DenseMatrix(a.length, columns, values);
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
    public void add(double[] d, int column, double factor) {
        KERNELS.subtractScaled(d, 0, -factor, values, column * rows, rows);
    }

    @Override
    public void row(int k, double[] target) {
        for (int j = 0; j < columns; j++) {
            target[j] = values[j * rows + k];
        }
    }

    @Override
    public double squaresGrowth(double[] d, int i, double f, int j, double g) {
        double growth = 0;
        for (int k = 0; k < rows; k++) {
            double change = f * values[i * rows + k] + g * values[j * rows + k];
            growth += (2 * d[k] + change) * change;
        }
        return growth;
    }

    /**
     * G = A^T A (n, n), with which the growth of sum d^2 takes a few products and not K: computed when it is first asked for, and
     * null for a matrix of very many columns.
     */
    double @Nullable [] products() {
        return products == null && columns < TOO_WIDE ? product() : products;
    }

    private synchronized double[] product() {
        double[] known = products;
        if (known != null) {
            return known;
        }
        double[] sums = new double[columns * columns];
        for (int first = 0; first < rows; first += PANEL) {
            int count = Math.min(PANEL, rows - first);
            double[] panel = panel(first, count);
            KERNELS.addProduct(sums, 0, columns, values, first, rows, panel, 0, columns, columns, columns, count);
        }
        products = sums;
        return sums;
    }

    /** Some rows, row by row. */
    private double[] panel(int first, int count) {
        double[] panel = new double[count * columns];
        for (int j = 0; j < columns; j++) {
            for (int k = 0; k < count; k++) {
                panel[k * columns + j] = values[j * rows + first + k];
            }
        }
        return panel;
    }

    /** p += factor * G[:, column]: what {@code d += factor * A[:, column]} does to A^T d. */
    void addProducts(double[] p, int column, double factor) {
        KERNELS.subtractScaled(p, 0, -factor, Objects.requireNonNull(products()), column * columns, columns);
    }

    /** A^T d. */
    double[] slopes(double[] d) {
        double[] slopes = new double[columns];
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < rows; k++) {
                sum += values[j * rows + k] * d[k];
            }
            slopes[j] = sum;
        }
        return slopes;
    }

    /**
     * The largest |d + f A[:, i] + g A[:, j]|, or some value above {@code limit} as soon as there is one.
     */
    double largest(double[] d, int i, double f, int j, double g, double limit) {
        return KERNELS.largestMoved(d, values, i * rows, f, j * rows, g, rows, limit);
    }

    /** The same over some of the rows, one by one: for few rows. */
    double largest(double[] d, int[] among, int i, double f, int j, double g, double limit) {
        double largest = 0;
        for (int k : among) {
            double moved = Math.fma(g, values[j * rows + k], Math.fma(f, values[i * rows + k], d[k]));
            largest = Math.max(largest, Math.abs(moved));
            if (largest > limit) {
                return largest;
            }
        }
        return largest;
    }

    /**
     * Row filter: the rows that a swap with steps up to {@code step} can bring to {@code limit} or above. In all others
     * |d| + step * reach is below it.
     */
    int[] within(double[] d, double step, double limit) {
        int count = 0;
        int[] found = new int[rows];
        for (int k = 0; k < rows; k++) {
            if (Math.abs(d[k]) + step * reach[k] * (1 + 1e-9) >= limit) {
                found[count++] = k;
            }
        }
        return Arrays.copyOf(found, count);
    }
}
