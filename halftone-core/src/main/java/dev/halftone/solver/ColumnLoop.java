package dev.halftone.solver;

import dev.halftone.kernel.Kernels;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The loop that error-feedback solvers share: columns are rounded one by one, and each column's error moves onto the columns
 * still to come. Rows are independent and run in parallel; float32, as in the paper's code, on a factor that was found in float64.
 *
 * <p>Source: Frantar et al., arXiv:2210.17323, algorithm 1. W (out, in); R (in, in) upper with R R^T = H, in solving order. The
 * paper walks along U = R^-1: for one row and step i, e = (w_i - q_i) / U_ii, then w_j -= e U_ij for j from i on. As the sum of
 * what moves is W - Q = E U, so E = (W - Q) R, a column is known when its turn comes: with d_i = w_i - q_i of the weight itself,
 * w_j + sum over i before j of d_i R_ij / R_jj is rounded, and e_j is what that loses, times R_jj. That needs no inverse, reads what is
 * behind instead of writing what is ahead, and is the same sequence of numbers but for rounding. A group that is fitted on the
 * way sees the values w of the paper's loop, in which columns still to come have no error: with S the sums so far, they are
 * W + S R_gg^-1.
 *
 * <p>The sums over all blocks of columns behind are one product, by BLAS: 2 out in^2 / 2 of the operations. Those inside a block run over
 * rows that stand side by side, as many as the first cache holds.
 */
final class ColumnLoop {
    /** Columns whose sums over the columns before them are one matrix product; no effect on the result beyond the order of sums. */
    static final int BLOCK = 256;

    /** Rows that stand side by side: a block of their errors fits into the first cache. */
    private static final int STRIP = 64;

    /** Most rows of one product, and how many of them a weight is split into where it has enough rows. */
    private static final int ROWS = 512;

    private static final int TILES = 8;

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

        /** The same for neighbouring rows: their values begin at {@code at}, and what is returned takes their place. */
        default void round(int row, int rows, int column, float[] w, int at) {
            for (int r = 0; r < rows; r++) {
                w[at + r] = round(row + r, column, w[at + r]);
            }
        }
    }

    /** Weights that are not rounded to the grid: the loop asks before it rounds, and passes on what storing them loses. */
    interface Kept {
        boolean keeps(int row, int column);

        /**
         * Takes the value that a kept weight has when its column is reached: the errors before it are already in it.
         *
         * @return what is stored of it
         */
        float keep(int row, int column, float value);
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

    /** Of the diagonal block of each span, where groups are fitted on the way: transposed, so lower triangular. */
    private final float[][] inverses;

    /** (block, block): R on the diagonal of the running block, transposed. */
    private final float[] corner;

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
        this.inverses = new float[walk.group() > 0 ? Math.ceilDiv(n, span()) : 0][];
        this.corner = new float[block() * block()];
    }

    /** Rounds all columns of all rows. */
    void run(Workers workers) {
        int span = span();
        workers.forEach(
                inverses.length, i -> inverses[i] = transposedInverse(i * span, Math.min(n, i * span + seen())));
        int rows = Math.clamp(Math.ceilDiv(out, TILES * STRIP), 1, ROWS / STRIP) * STRIP;
        try (Tensor panel = matrix(width(), n);
                Tensor done = matrix(n, out)) {
            Tile[] tiles = new Tile[Math.ceilDiv(out, rows)];
            Arrays.setAll(tiles, t -> new Tile(panel, done, t * rows, Math.min(rows, out - t * rows)));
            for (int start = 0; start < n; start += block()) {
                int from = start;
                corner(from);
                narrow(panel, from, workers);
                workers.forEach(tiles.length, t -> tiles[t].solve(from, Math.min(n, from + block())));
            }
        }
    }

    private static Tensor matrix(int rows, int columns) {
        return Torch.owned(() -> torch.empty(new long[] {rows, columns}, new TensorOptions(ScalarType.Float), null));
    }

    /** R on the diagonal block of the columns from {@code from} on, transposed. */
    private void corner(int from) {
        int to = Math.min(n, from + block());
        for (int i = from; i < to; i++) {
            for (int j = i; j < to; j++) {
                corner[(j - from) * block() + i - from] = (float) walk.r()[i * n + j];
            }
        }
    }

    /**
     * R above a diagonal block, in float32: of a wide weight all of them would be half as large as R again.
     *
     * @param panel (width, n): the columns that the block from {@code from} on and its groups see, each side by side in memory
     */
    private void narrow(Tensor panel, int from, Workers workers) {
        MemorySegment target = Tensors.memory(panel);
        int columns = Math.min(n - from, width());
        workers.forEach(Math.ceilDiv(from, STRIP), strip -> {
            int first = strip * STRIP;
            int count = Math.min(STRIP, from - first);
            float[] column = new float[STRIP];
            for (int j = 0; j < columns; j++) {
                for (int i = 0; i < count; i++) {
                    column[i] = (float) walk.r()[(first + i) * n + from + j];
                }
                MemorySegment.copy(column, 0, target, ValueLayout.JAVA_FLOAT, offset(j, n, first), count);
            }
        });
    }

    /** Bytes before an element of a matrix with that many columns. */
    private static long offset(int row, int columns, int column) {
        return ((long) row * columns + column) * Float.BYTES;
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

    /** Columns whose sums a block needs. */
    private int width() {
        return Math.min(n, Math.max(block(), seen()));
    }

    /** The inverse of R's diagonal block of columns from .. to-1, transposed. */
    private float[] transposedInverse(int from, int to) {
        int m = to - from;
        double[] inverse = UpperFactor.inverse(walk.r(), n, from, m);
        float[] transposed = new float[m * m];
        for (int i = 0; i < m; i++) {
            for (int j = i; j < m; j++) {
                transposed[j * m + i] = (float) inverse[i * m + j];
            }
        }
        return transposed;
    }

    /** Rows that share the products with R. In its arrays, what stands at (column, row) belongs to a column of the running block. */
    private final class Tile {
        /** R above the running block, as {@link #narrow} made it. */
        private final Tensor panel;

        /** (n, out): W - Q of the columns that are done, transposed. */
        private final Tensor done;

        private final int first;
        private final int rows;
        private final int block = block();
        private final int width = width();

        /** Of the running strip (width, STRIP): W, the sums over the columns that are done, and what groups are fitted to. */
        private final float[] w = new float[width * STRIP];

        private final float[] sums = new float[width * STRIP];
        private final float[] current = new float[walk.group() > 0 ? width * STRIP : 0];

        /** W - Q of the running strip's columns of this block that are done. */
        private final float[] d = new float[block * STRIP];

        /** Values of one column before and after rounding. */
        private final float[] before = new float[STRIP];

        private final float[] after = new float[STRIP];

        Tile(Tensor panel, Tensor done, int first, int rows) {
            this.panel = panel;
            this.done = done;
            this.first = first;
            this.rows = rows;
        }

        /** Rounds the columns {@code from} .. {@code to} - 1, a block. */
        void solve(int from, int to) {
            int columns = Math.min(n - from, width);
            MemorySegment far = from == 0 ? MemorySegment.NULL : Tensors.memory(far(from, columns));
            MemorySegment target = Tensors.memory(done);
            for (int row = 0; row < rows; row += STRIP) {
                int count = Math.min(STRIP, rows - row);
                load(from, columns, row, count, far);
                strip(from, to, first + row, count);
                for (int j = from; j < to; j++) {
                    long at = offset(j, out, first + row);
                    MemorySegment.copy(d, (j - from) * count, target, ValueLayout.JAVA_FLOAT, at, count);
                }
            }
        }

        /** What the blocks behind contribute to the sums of columns from {@code from} on: (columns, rows). */
        private Tensor far(int from, int columns) {
            Tensor factor = Tensors.slice(Tensors.slice(panel, 0, 0, columns), 1, 0, from);
            return factor.matmul(Tensors.slice(Tensors.slice(done, 0, 0, from), 1, first, first + rows));
        }

        /** Puts the rows from {@code row} of the tile on side by side. */
        private void load(int from, int columns, int row, int count, MemorySegment far) {
            for (int r = 0; r < count; r++) {
                int at = (first + row + r) * n;
                for (int j = 0; j < columns; j++) {
                    w[j * count + r] = weight[at + walk.order()[from + j]];
                }
            }
            if (from == 0) {
                Arrays.fill(sums, 0);
                return;
            }
            for (int j = 0; j < columns; j++) {
                MemorySegment.copy(far, ValueLayout.JAVA_FLOAT, offset(j, rows, row), sums, j * count, count);
            }
        }

        /** Rounds the columns of a block in rows {@code row} and later. */
        private void strip(int from, int to, int row, int count) {
            int span = span();
            for (int start = from; start < to; start += span) {
                int end = Math.min(to, start + span);
                for (int j = start; start > from && j < end; j++) {
                    add(from, j, from, start, count);
                }
                if (walk.group() > 0) {
                    see(from, start, count);
                }
                for (int j = start; j < end; j++) {
                    add(from, j, start, j, count);
                    if (walk.group() > 0 && j % walk.group() == 0) {
                        fit(from, j, row, count);
                    }
                    round(from, j, row, count);
                }
            }
        }

        /** Adds to the sums of column j what columns {@code begin} .. {@code end} - 1 of this block contribute. */
        private void add(int from, int j, int begin, int end, int count) {
            KERNELS.addCombination(
                    sums,
                    (j - from) * count,
                    corner,
                    (j - from) * block + begin - from,
                    d,
                    (begin - from) * count,
                    end - begin,
                    count);
        }

        /** The values that columns {@code start} and later have before any of them is rounded. */
        private void see(int from, int start, int count) {
            int length = Math.min(n, start + seen()) - start;
            float[] inverse = inverses[start / span()];
            int at = (start - from) * count;
            System.arraycopy(w, at, current, at, length * count);
            for (int j = 0; j < length; j++) {
                KERNELS.addCombination(current, at + j * count, inverse, j * length, sums, at, j + 1, count);
            }
        }

        /** Fits the groups whose first column is j. */
        private void fit(int from, int j, int row, int count) {
            int group = walk.group();
            int number = grid.groupOf(walk.order()[j]);
            for (int r = 0; r < count; r++) {
                float[] values = new float[group];
                for (int k = 0; k < group; k++) {
                    values[k] = current[(j - from + k) * count + r];
                }
                grid.fit(row + r, number, values, 0);
            }
        }

        private void round(int from, int j, int row, int count) {
            int column = walk.order()[j];
            int at = (j - from) * count;
            float pivot = corner[(j - from) * block + j - from];
            for (int r = 0; r < count; r++) {
                before[r] = w[at + r] + sums[at + r] / pivot;
                after[r] = before[r];
            }
            if (kept == null) {
                grid.round(row, count, column, after, 0);
            } else {
                roundOrKeep(kept, row, count, column);
            }
            for (int r = 0; r < count; r++) {
                double error = (before[r] - after[r]) * pivot;
                double distance = w[at + r] - after[r];
                d[at + r] = w[at + r] - after[r];
                squaredErrors[row + r] += error * error;
                squaredDistance[row + r] += distance * distance;
            }
        }

        private void roundOrKeep(Kept kept, int row, int count, int column) {
            for (int r = 0; r < count; r++) {
                if (kept.keeps(row + r, column)) {
                    after[r] = kept.keep(row + r, column, after[r]);
                } else {
                    after[r] = grid.round(row + r, column, after[r]);
                }
            }
        }
    }
}
