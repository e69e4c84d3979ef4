package dev.halftone.solver;

import dev.halftone.kernel.Kernels;
import dev.halftone.tensor.Workers;

/**
 * The triangular factor of H that error-feedback solvers walk along: H = R R^T with R upper triangular. It is the inverse of the
 * paper's U (U^T U = H^-1), so nothing has to be inverted.
 *
 * <p>Blocks of columns from the last to the first, each updated by all blocks behind it in one product: what is finished is read,
 * and each number of H is written once. Tiles of rows run on all workers, in float64. In place: n^2 numbers and a block of columns.
 * n^3 / 3 multiplications and additions.
 */
final class UpperFactor {
    /** Columns of a step. */
    private static final int BLOCK = 128;

    /** Rows of a piece of work. */
    private static final int ROWS = 64;

    private static final Kernels KERNELS = Kernels.best();

    private final double[] h;
    private final int n;
    private final Workers workers;

    /** Of the running step: the rows of its columns behind the diagonal block, negative and transposed. */
    private final double[] negative;

    private UpperFactor(double[] h, int n, Workers workers) {
        this.h = h;
        this.n = n;
        this.workers = workers;
        this.negative = new double[n * BLOCK];
    }

    /**
     * Puts R in the place of H.
     *
     * @param h (n, n) H above and on the diagonal; afterwards R there, and nothing of use below
     * @return false if H is not positive definite
     */
    static boolean factor(double[] h, int n, Workers workers) {
        UpperFactor factor = new UpperFactor(h, n, workers);
        int blocks = Math.ceilDiv(n, BLOCK);
        for (int b = blocks - 1; b >= 0; b--) {
            int from = b * BLOCK;
            if (!factor.step(from, Math.min(n, from + BLOCK) - from)) {
                return false;
            }
        }
        return true;
    }

    /** Columns {@code from} to {@code from + width}: what the columns behind take away, their diagonal block, the rows above it. */
    private boolean step(int from, int width) {
        update(from, from + width);
        double[] corner = new double[width * width];
        for (int i = 0; i < width; i++) {
            System.arraycopy(h, (from + i) * n + from, corner, i * width, width);
        }
        if (!factorCorner(corner, width)) {
            return false;
        }
        for (int i = 0; i < width; i++) {
            System.arraycopy(corner, i * width + i, h, (from + i) * n + from + i, width - i);
        }
        double[] solve = from == 0 ? corner : transposedInverse(corner, width);
        workers.forEach(Math.ceilDiv(from, ROWS), tile -> solveRows(tile * ROWS, from, width, solve));
        return true;
    }

    /** Columns {@code from} to {@code to} of H - R R^T over the columns behind them, in all rows up to {@code to}. */
    private void update(int from, int to) {
        int behind = n - to;
        int width = to - from;
        workers.forEach(Math.ceilDiv(behind, ROWS), strip -> {
            int last = Math.min(n, to + (strip + 1) * ROWS);
            for (int i = 0; i < width; i++) {
                for (int k = to + strip * ROWS; k < last; k++) {
                    negative[(k - to) * width + i] = -h[(from + i) * n + k];
                }
            }
        });
        workers.forEach(behind == 0 ? 0 : Math.ceilDiv(to, ROWS), tile -> {
            int i = tile * ROWS;
            int rows = Math.min(ROWS, to - i);
            KERNELS.addProduct(h, i * n + from, n, h, i * n + to, n, negative, 0, width, rows, width, behind);
        });
    }

    /** Rows of the panel above a diagonal block: R_ik = H_ik R_kk^-T. */
    private void solveRows(int first, int from, int width, double[] solve) {
        int rows = Math.min(ROWS, from - first);
        double[] panel = new double[rows * width];
        KERNELS.addProduct(panel, 0, width, h, first * n + from, n, solve, 0, width, rows, width, width);
        for (int i = 0; i < rows; i++) {
            System.arraycopy(panel, i * width, h, (first + i) * n + from, width);
        }
    }

    /** A small H, column by column from the last; false where a pivot is not positive. */
    private static boolean factorCorner(double[] a, int n) {
        for (int j = n - 1; j >= 0; j--) {
            double pivot = a[j * n + j];
            if (!(pivot > 0 && pivot < Double.POSITIVE_INFINITY)) {
                return false;
            }
            double root = Math.sqrt(pivot);
            a[j * n + j] = root;
            double[] column = new double[j];
            for (int i = 0; i < j; i++) {
                column[i] = a[i * n + j] / root;
                a[i * n + j] = column[i];
            }
            for (int i = 0; i < j; i++) {
                KERNELS.subtractScaled(a, i * n + i, column[i], column, i, j - i);
            }
        }
        return true;
    }

    /** R^-T of a small upper R: lower triangular. */
    private static double[] transposedInverse(double[] r, int n) {
        double[] inverse = inverse(r, n, 0, n);
        double[] transposed = new double[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = i; j < n; j++) {
                transposed[j * n + i] = inverse[i * n + j];
            }
        }
        return transposed;
    }

    /** The inverse (m, m) of the diagonal block of R (n, n) whose first column is {@code from}: upper triangular too. */
    static double[] inverse(double[] r, int n, int from, int m) {
        double[] inverse = new double[m * m];
        for (int i = m - 1; i >= 0; i--) {
            int at = (from + i) * n + from;
            double pivot = r[at + i];
            for (int k = i + 1; k < m; k++) {
                KERNELS.subtractScaled(inverse, i * m + k, r[at + k] / pivot, inverse, k * m + k, m - k);
            }
            inverse[i * m + i] = 1 / pivot;
        }
        return inverse;
    }
}
