package dev.halftone.solver;

import dev.halftone.kernel.Kernels;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The loop that error-feedback solvers share: columns are rounded one by one, and each column's error moves onto the columns
 * still to come. Rows are independent and run in parallel; float64.
 *
 * <p>Source: Frantar et al., arXiv:2210.17323, algorithm 1. W (out, in); R (in, in) upper with R R^T = H, in solving order. The
 * paper walks along U = R^-1: for one row and step i, e = (w_i - q_i) / U_ii, then w_j -= e U_ij for j from i on. As the sum of
 * what moves is W - Q = E U, so E = (W - Q) R, a column is known when its turn comes: with d_i = w_i - q_i of the weight itself,
 * w_j + sum over i before j of d_i R_ij / R_jj is rounded, and e_j is what that loses, times R_jj. That needs no inverse, reads what is
 * behind instead of writing what is ahead, and is the same sequence of numbers but for float64 rounding. A group that is fitted on the
 * way sees the values w of the paper's loop, in which columns still to come have no error: with S the sums so far, they are
 * W + S R_gg^-1.
 */
final class ColumnLoop {
    /** Columns whose sums over the columns before them are one matrix product; no effect on the result beyond the order of sums. */
    static final int BLOCK = 128;

    /** Columns within a block whose sums are updated after each step. */
    private static final int STRIP = 32;

    /** Rows that share a pass over R: many, so that it is passed seldom, where there are enough for all threads. */
    private static final int ROWS = 128;

    private static final int FEW_ROWS = 32;
    private static final int MANY = 2048;

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
     * @param r (in, in) factor in that order, upper triangle
     * @param group columns of a group that is fitted when its first column is reached; 0 if all grids are fixed before
     * @param stale groups are fitted to values that lack the errors of the running block, as the paper's own code does
     * @param block columns of one matrix product
     */
    record Walk(int[] order, double[] r, int group, boolean stale, int block) {}

    private final float[] weight;
    private final int out;
    private final int n;
    private final Walk walk;
    private final Grid grid;
    private final @Nullable Kept kept;

    /** Per row: sum of the squared column errors, and |W - Q|^2. */
    private final double[] squaredErrors;

    private final double[] squaredDistance;

    /** Of the diagonal block of each span, where groups are fitted on the way. */
    private final double[][] inverses;

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
        this.inverses = new double[walk.group() > 0 ? Math.ceilDiv(n, span()) : 0][];
    }

    /** Rounds all columns of all rows. */
    void run(Workers workers) {
        if (walk.group() > 0) {
            int span = span();
            workers.forEach(inverses.length, i -> inverses[i] = inverse(i * span, Math.min(n, i * span + seen())));
        }
        int tile = out >= MANY ? ROWS : FEW_ROWS;
        workers.forEach(
                Math.ceilDiv(out, tile), index -> new Tile(index * tile, Math.min(tile, out - index * tile)).solve());
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

    /** Columns of a matrix product; a group that is fitted to current values does not straddle two of them. */
    private int block() {
        int group = walk.group();
        return group == 0 || walk.stale() ? walk.block() : Math.max(group, walk.block() - walk.block() % group);
    }

    /** Columns whose groups are fitted to the same state of a row. */
    private int span() {
        return walk.group() == 0 || walk.stale() ? block() : walk.group();
    }

    /** Columns that these groups see: stale ones reach beyond their block. */
    private int seen() {
        return walk.stale() ? block() + walk.group() : span();
    }

    /** The inverse of R's diagonal block of columns from .. to-1, upper. */
    private double[] inverse(int from, int to) {
        double[] r = walk.r();
        int m = to - from;
        double[] inverse = new double[m * m];
        for (int i = m - 1; i >= 0; i--) {
            double pivot = r[(from + i) * n + from + i];
            for (int k = i + 1; k < m; k++) {
                double factor = r[(from + i) * n + from + k] / pivot;
                KERNELS.subtractScaled(inverse, i * m + k, factor, inverse, k * m + k, m - k);
            }
            inverse[i * m + i] = 1 / pivot;
        }
        return inverse;
    }

    /** Rows that are solved together. */
    private final class Tile {
        private final int first;
        private final int rows;
        private final int block = block();
        private final int width = Math.max(block, seen());

        /** (rows, n): W - Q of the columns that are done. */
        private final double[] d;

        /** (rows, width): sums over the columns that are done, of the running block. */
        private final double[] sums;

        /** (rows, width): what groups are fitted to. */
        private final double[] current;

        /** (STRIP, STRIP): R on the diagonal, side by side in memory. */
        private final double[] corner = new double[STRIP * STRIP];

        Tile(int first, int rows) {
            this.first = first;
            this.rows = rows;
            this.d = new double[rows * n];
            this.sums = new double[rows * width];
            this.current = walk.group() > 0 ? new double[rows * width] : sums;
        }

        void solve() {
            int span = span();
            for (int from = 0; from < n; from += block) {
                int to = Math.min(n, from + block);
                Arrays.fill(sums, 0);
                sum(from, from, Math.min(n - from, width), 0);
                for (int start = from; start < to; start += span) {
                    int end = Math.min(to, start + span);
                    sum(from, start, end - start, from);
                    if (walk.group() > 0) {
                        see(from, start);
                    }
                    for (int at = start; at < end; at += STRIP) {
                        int length = Math.min(STRIP, end - at);
                        sum(from, at, length, start);
                        strip(from, at, length);
                    }
                }
            }
        }

        /** Adds to the sums of columns {@code at} and later what columns {@code done} .. at-1 contribute; the block begins at {@code from}. */
        private void sum(int from, int at, int length, int done) {
            double[] r = walk.r();
            KERNELS.addProduct(sums, at - from, width, d, done, n, r, done * n + at, n, rows, length, at - done);
        }

        /** The values that columns {@code start} and later have before any of them is rounded. */
        private void see(int from, int start) {
            int length = Math.min(n, start + seen()) - start;
            for (int row = 0; row < rows; row++) {
                for (int i = 0; i < length; i++) {
                    current[row * width + start - from + i] = weight[(first + row) * n + walk.order()[start + i]];
                }
            }
            double[] inverse = inverses[start / span()];
            KERNELS.addProduct(
                    current, start - from, width, sums, start - from, width, inverse, 0, length, rows, length, length);
        }

        private void strip(int from, int at, int length) {
            for (int i = 0; i < length; i++) {
                System.arraycopy(walk.r(), (at + i) * n + at, corner, i * STRIP, length);
            }
            for (int row = 0; row < rows; row++) {
                round(row, at, length, row * width - from);
            }
        }

        /** Columns {@code at} and later of one row; the sum of column i stands at {@code sumsAt + i}. */
        private void round(int row, int at, int length, int sumsAt) {
            int weightAt = (first + row) * n;
            for (int i = at; i < at + length; i++) {
                int column = walk.order()[i];
                int cornerAt = (i - at) * STRIP + i - at;
                double pivot = corner[cornerAt];
                if (walk.group() > 0 && i % walk.group() == 0) {
                    grid.fit(first + row, grid.groupOf(column), floats(current, sumsAt + i, walk.group()), 0);
                }
                double w = weight[weightAt + column] + sums[sumsAt + i] / pivot;
                double q;
                if (kept != null && kept.keeps(first + row, column)) {
                    q = w;
                    kept.keep(first + row, column, q);
                } else {
                    q = grid.round(first + row, column, (float) w);
                    double error = (w - q) * pivot;
                    squaredErrors[first + row] += error * error;
                }
                double distance = weight[weightAt + column] - q;
                d[row * n + i] = distance;
                squaredDistance[first + row] += distance * distance;
                KERNELS.subtractScaled(sums, sumsAt + i + 1, -distance, corner, cornerAt + 1, at + length - i - 1);
            }
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
