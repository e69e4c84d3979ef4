package dev.halftone.solver;

import dev.halftone.kernel.Kernels;
import dev.halftone.tensor.Workers;
import org.jspecify.annotations.Nullable;

/**
 * The loop that error-feedback solvers share: columns are rounded one by one, and each column's error moves onto the columns
 * still to come. Rows are independent and run in parallel; float64.
 *
 * <p>Source: Frantar et al., arXiv:2210.17323, algorithm 1. W (out, in); U (in, in) upper, in solving order. For one row and step
 * i: e = (w_i - q_i) / U_ii, then w_j -= e U_ij for j from i on.
 */
final class ColumnLoop {
    /** Columns between two updates of the rest of the row; no effect on the result beyond the order of float64 sums. */
    static final int BLOCK = 128;

    /** Rows that share a pass over U. */
    private static final int ROWS = 32;

    private static final Kernels KERNELS = Kernels.best();

    /** Where columns are rounded to. Calls for different rows come from different threads; those for one row are in solving order. */
    interface Grid {
        /** The group of a column; the columns of a group that is fitted on the way follow one another in solving order. */
        int groupOf(int column);

        /**
         * Fits the grid of a group of one row, before the first of its columns is rounded; never called where grids are fixed.
         *
         * @param values of the group's columns in solving order from {@code at} on, as they are by then
         */
        void fit(int row, int group, float[] values, int at);

        /** Rounds a value of a column, remembers its code, and returns what the code stands for. */
        float round(int row, int column, float w);
    }

    /** Weights that stay as they are: the loop asks before it rounds, and a kept weight has no error to pass on. */
    interface Kept {
        boolean keeps(int row, int column);

        /** Takes the value that a kept weight has when its column is reached: the errors before it are already in it. */
        void keep(int row, int column, double value);
    }

    /**
     * How the columns are walked.
     *
     * @param order column of W that is rounded at each step
     * @param u (in, in) factor in that order
     * @param group columns of a group that is fitted when its first column is reached; 0 if all grids are fixed before
     * @param stale groups are fitted to values that lack the errors of the running block, as the paper's own code does
     * @param block columns between two updates of the rest of the row
     */
    record Walk(int[] order, double[] u, int group, boolean stale, int block) {}

    private final float[] weight;
    private final int out;
    private final int n;
    private final Walk walk;
    private final Grid grid;
    private final @Nullable Kept kept;

    /** Per row: sum of the squared column errors, and |W - Q|^2. */
    private final double[] squaredErrors;

    private final double[] squaredDistance;

    /** @param weight W (out, in), row-major; not changed */
    ColumnLoop(float[] weight, int out, Walk walk, Grid grid, @Nullable Kept kept) {
        this.weight = weight;
        this.out = out;
        this.n = walk.order().length;
        this.walk = walk;
        this.grid = grid;
        this.kept = kept;
        this.squaredErrors = new double[out];
        this.squaredDistance = new double[out];
    }

    /** Rounds all columns of all rows. */
    void run(Workers workers) {
        workers.forEach(Math.ceilDiv(out, ROWS), tile -> {
            int first = tile * ROWS;
            solve(first, Math.min(ROWS, out - first));
        });
    }

    /**
     * tr((W - Q) H (W - Q)^T): the squared errors add up to the same with the damped H exactly, and damping is a multiple of I.
     *
     * @param added what damping added to the diagonal of H
     */
    double loss(double added) {
        double sum = 0;
        for (int row = 0; row < out; row++) {
            sum += squaredErrors[row] - added * squaredDistance[row];
        }
        return sum;
    }

    private void solve(int first, int rows) {
        double[] w = new double[rows * n];
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < n; i++) {
                w[r * n + i] = weight[(first + r) * n + walk.order()[i]];
            }
        }
        int block = block();
        double[] errors = new double[rows * block];
        for (int from = 0; from < n; from += block) {
            int to = Math.min(n, from + block);
            double[] fitted = walk.stale() ? w.clone() : w;
            for (int r = 0; r < rows; r++) {
                roundBlock(first + r, w, fitted, r * n, from, to, errors, r * block);
            }
            KERNELS.subtractProduct(w, to, n, errors, 0, block, walk.u(), from * n + to, n, rows, n - to, to - from);
        }
    }

    /** A group that is fitted to current values must not straddle two blocks. */
    private int block() {
        int group = walk.group();
        return group == 0 || walk.stale() ? walk.block() : Math.max(group, walk.block() - walk.block() % group);
    }

    /** Columns from .. to-1 of one row, whose values start at {@code at} in w. */
    private void roundBlock(
            int row, double[] w, double[] fitted, int at, int from, int to, double[] errors, int errorsAt) {
        double[] u = walk.u();
        int group = walk.group();
        for (int i = from; i < to; i++) {
            int column = walk.order()[i];
            if (group > 0 && i % group == 0) {
                grid.fit(row, grid.groupOf(column), floats(fitted, at + i, group), 0);
            }
            double q;
            double error;
            if (kept != null && kept.keeps(row, column)) {
                q = w[at + i];
                error = 0;
                kept.keep(row, column, q);
            } else {
                q = grid.round(row, column, (float) w[at + i]);
                error = (w[at + i] - q) / u[i * n + i];
                KERNELS.subtractScaled(w, at + i, error, u, i * n + i, to - i);
            }
            errors[errorsAt + i - from] = error;
            squaredErrors[row] += error * error;
            double distance = weight[row * n + column] - q;
            squaredDistance[row] += distance * distance;
        }
    }

    private static float[] floats(double[] values, int at, int length) {
        float[] result = new float[length];
        for (int i = 0; i < length; i++) {
            result[i] = (float) values[at + i];
        }
        return result;
    }
}
