package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.kernel.Kernels;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Cyclic coordinate descent over the columns of V for f(V) = tr((T - V) Sigma (T - V)^T), Sigma without damping: with all other columns
 * where they are, the best value of column j is u_j = V_j - G_j / Sigma_jj, G = (V - T) Sigma. A rounding sweep takes the nearest
 * value of the grid, which is the best one there, so f never rises; a relaxed sweep takes u_j itself.
 *
 * <p>Source: Behdin et al., arXiv:2309.01885. The paper's recursion keeps V Sigma and starts each sweep with one whole product; here G
 * is kept, and what a block of columns has changed is added to all of it in one product, which is half the work.
 *
 * <p>T, V (out, n). Rows are independent, and run in parallel in tiles whose size does not depend on the workers; float32 on products of
 * BLAS, sums of f in float64. 2 out n^2 operations a sweep, 4 out n numbers and n^2 of memory.
 */
final class CoordinateDescent implements AutoCloseable {
    /** Columns whose changes are one product. */
    private static final int BLOCK = 128;

    /** Rows that stand side by side: a block of their changes fits into the first cache. */
    private static final int STRIP = 64;

    /** Most rows of one product, and how many of them a weight is split into where it has enough rows. */
    private static final int ROWS = 512;

    private static final int TILES = 8;

    /** Every third sweep is relaxed, up to this one: the authors' schedule. */
    private static final int LAST_RELAXED = 25;

    private static final int RELAXED_EVERY = 3;

    /** Share of the largest diagonal element below which an input counts as always zero. */
    private static final double ZERO = 1e-12;

    private static final Kernels KERNELS = Kernels.best();

    private final int out;
    private final int n;
    private final @Nullable OutlierMask free;
    private final Workers workers;
    private final Tensor sigma;

    /** diag(Sigma); 0 for inputs that are always zero. */
    private final float[] diagonal;

    private final Tile[] tiles;
    private ColumnLoop.Grid grid;

    /**
     * Ready for the first sweep.
     *
     * @param target T (out, n); not changed
     * @param start V (out, n); not changed
     * @param onGrid the start is on the grid: then the result is never worse
     * @param free places of V that are never rounded; null for none
     * @param workers used until this is closed
     */
    CoordinateDescent(
            float[] target,
            float[] start,
            boolean onGrid,
            Gram gram,
            ColumnLoop.Grid grid,
            @Nullable OutlierMask free,
            Workers workers) {
        this.n = gram.size();
        this.out = target.length / n;
        this.grid = grid;
        this.free = free;
        this.workers = workers;
        this.sigma = Torch.owned(() -> torch.empty(new long[] {n, n}, new TensorOptions(ScalarType.Float), null));
        this.diagonal = new float[n];
        double[] exact = gram.diagonal();
        double largest = Arrays.stream(exact).max().orElse(0);
        for (int j = 0; j < n; j++) {
            diagonal[j] = exact[j] > ZERO * largest ? (float) exact[j] : 0;
        }
        workers.forEach(n, i -> narrow(gram, i));
        int size = Math.clamp(Math.ceilDiv(out, TILES * STRIP), 1, ROWS / STRIP) * STRIP;
        this.tiles = new Tile[Math.ceilDiv(out, size)];
        workers.forEach(tiles.length, i -> {
            tiles[i] = new Tile(i * size, Math.min(size, out - i * size));
            tiles[i].begin(target, start, onGrid);
        });
    }

    /** Which of so many sweeps round. */
    static boolean[] schedule(int sweeps, boolean relax) {
        boolean[] rounding = new boolean[sweeps];
        for (int it = 0; it < sweeps; it++) {
            rounding[it] = !relax || it % RELAXED_EVERY != 1 || it == sweeps - 1 || it > LAST_RELAXED;
        }
        return rounding;
    }

    private void narrow(Gram gram, int i) {
        float[] row = new float[n];
        for (int j = 0; j < n; j++) {
            row[j] = (float) gram.h()[i * n + j];
        }
        MemorySegment.copy(row, 0, Tensors.memory(sigma), ValueLayout.JAVA_FLOAT, (long) i * n * Float.BYTES, n);
    }

    /**
     * All sweeps, row by row the best V that a rounding sweep left.
     *
     * @param rounding what each sweep does: round, or take the best value itself
     */
    void run(boolean[] rounding) {
        workers.forEach(tiles.length, i -> {
            for (int sweep = 0; sweep < rounding.length; sweep++) {
                boolean changed = tiles[i].sweep(rounding[sweep]);
                if (rounding[sweep]) {
                    tiles[i].keep();
                }
                if (!changed && allTrue(rounding, sweep)) {
                    break;
                }
            }
        });
    }

    private static boolean allTrue(boolean[] values, int from) {
        for (int i = from; i < values.length; i++) {
            if (!values[i]) {
                return false;
            }
        }
        return true;
    }

    /** One sweep over all rows; nothing is kept. */
    void sweep(boolean rounding) {
        workers.forEach(tiles.length, i -> tiles[i].sweep(rounding));
    }

    /** f(V) as it is now. */
    double loss() {
        double[][] losses = new double[tiles.length][];
        workers.forEach(tiles.length, i -> losses[i] = tiles[i].losses());
        double sum = 0;
        for (double[] rows : losses) {
            for (double row : rows) {
                sum += row;
            }
        }
        return sum;
    }

    /** Another T. */
    void retarget(float[] target) {
        workers.forEach(tiles.length, i -> tiles[i].retarget(target));
    }

    /** Another grid, from the next sweep on. */
    void regrid(ColumnLoop.Grid other) {
        grid = other;
    }

    /** V (out, n) as it is now. */
    float[] values() {
        return rowMajor(tile -> tile.v);
    }

    /** The best V that {@link #run} has seen; the start where none was better. */
    float[] best() {
        return rowMajor(tile -> tile.best);
    }

    /** G (out, n) as it is now. */
    float[] gradient() {
        return rowMajor(tile -> Tensors.floats(tile.g));
    }

    /** @param columns of a tile (n, rows) */
    private float[] rowMajor(Function<Tile, float[]> columns) {
        float[] values = new float[out * n];
        workers.forEach(tiles.length, i -> {
            Tile tile = tiles[i];
            float[] turned = columns.apply(tile);
            for (int row = 0; row < tile.rows; row++) {
                for (int j = 0; j < n; j++) {
                    values[(tile.first + row) * n + j] = turned[j * tile.rows + row];
                }
            }
        });
        return values;
    }

    /** Neighbouring rows. Arrays are (n, rows): the rows of a column stand side by side. */
    private final class Tile {
        private final int first;
        private final int rows;
        private final float[] t;
        private final float[] v;
        private final float[] best;
        private final double[] bestLoss;

        /** G (n, rows). */
        private final Tensor g;

        /** By how much V of a block has changed (BLOCK, rows). */
        private final Tensor d;

        /** Of the running strip: G of the block, what has changed, and a column before and after. */
        private final float[] strip = new float[BLOCK * STRIP];

        private final float[] changes = new float[BLOCK * STRIP];
        private final float[] wanted = new float[STRIP];
        private final float[] taken = new float[STRIP];

        /** Sigma's diagonal block. */
        private final float[] corner = new float[BLOCK * BLOCK];

        Tile(int first, int rows) {
            this.first = first;
            this.rows = rows;
            this.t = new float[n * rows];
            this.v = new float[n * rows];
            this.best = new float[n * rows];
            this.bestLoss = new double[rows];
            this.g = Torch.owned(() -> torch.zeros(n, rows));
            this.d = Torch.owned(() -> torch.zeros(BLOCK, rows));
        }

        void begin(float[] target, float[] start, boolean onGrid) {
            turn(target, t);
            turn(start, v);
            System.arraycopy(v, 0, best, 0, v.length);
            float[] apart = new float[t.length];
            for (int i = 0; i < apart.length; i++) {
                apart[i] = v[i] - t[i];
            }
            addProduct(apart);
            Arrays.fill(bestLoss, Double.POSITIVE_INFINITY);
            if (onGrid) {
                keep();
            }
        }

        void retarget(float[] target) {
            float[] before = t.clone();
            turn(target, t);
            for (int i = 0; i < before.length; i++) {
                before[i] -= t[i];
            }
            addProduct(before);
        }

        /** Adds Sigma times a change of V - T to G. */
        private void addProduct(float[] change) {
            Torch.inScope(() -> g.addmm_(sigma, Tensors.of(change, n, rows)));
        }

        private void turn(float[] rowMajor, float[] target) {
            for (int row = 0; row < rows; row++) {
                for (int j = 0; j < n; j++) {
                    target[j * rows + row] = rowMajor[(first + row) * n + j];
                }
            }
        }

        /** Returns false if nothing has changed. */
        boolean sweep(boolean rounding) {
            boolean any = false;
            for (int from = 0; from < n; from += BLOCK) {
                int start = from;
                int width = Math.min(BLOCK, n - from);
                if (block(from, width, rounding)) {
                    any = true;
                    Torch.inScope(() -> g.addmm_(
                            Tensors.slice(sigma, 1, start, (long) start + width), Tensors.slice(d, 0, 0, width)));
                }
            }
            return any;
        }

        private boolean block(int from, int width, boolean rounding) {
            MemorySegment all = Tensors.memory(sigma);
            for (int j = 0; j < width; j++) {
                long at = ((long) (from + j) * n + from) * Float.BYTES;
                MemorySegment.copy(all, ValueLayout.JAVA_FLOAT, at, corner, j * BLOCK, width);
            }
            MemorySegment gradient = Tensors.memory(g);
            MemorySegment changed = Tensors.memory(d);
            boolean any = false;
            for (int row = 0; row < rows; row += STRIP) {
                int count = Math.min(STRIP, rows - row);
                for (int j = 0; j < width; j++) {
                    long at = ((long) (from + j) * rows + row) * Float.BYTES;
                    MemorySegment.copy(gradient, ValueLayout.JAVA_FLOAT, at, strip, j * count, count);
                }
                for (int j = 0; j < width; j++) {
                    any |= column(from, j, row, count, rounding);
                }
                for (int j = 0; j < width; j++) {
                    long at = ((long) j * rows + row) * Float.BYTES;
                    MemorySegment.copy(changes, j * count, changed, ValueLayout.JAVA_FLOAT, at, count);
                }
            }
            return any;
        }

        /** Column from + j in some rows; returns true if V changes there. */
        private boolean column(int from, int j, int row, int count, boolean rounding) {
            int column = from + j;
            int at = column * rows + row;
            float curvature = diagonal[column];
            KERNELS.addCombination(strip, j * count, corner, j * BLOCK, changes, 0, j, count);
            for (int r = 0; r < count; r++) {
                wanted[r] = curvature == 0 ? v[at + r] : v[at + r] - strip[j * count + r] / curvature;
                taken[r] = wanted[r];
            }
            if (rounding) {
                round(column, row, count);
            }
            boolean any = false;
            for (int r = 0; r < count; r++) {
                float change = taken[r] - v[at + r];
                changes[j * count + r] = change;
                v[at + r] = taken[r];
                any |= change != 0;
            }
            return any;
        }

        private void round(int column, int row, int count) {
            grid.round(first + row, count, column, taken, 0);
            OutlierMask mask = free;
            for (int r = 0; mask != null && r < count; r++) {
                if (mask.has((first + row + r) * n + column)) {
                    taken[r] = wanted[r];
                }
            }
        }

        /** f of each row. */
        double[] losses() {
            double[] losses = new double[rows];
            float[] gradient = new float[rows];
            for (int j = 0; j < n; j++) {
                long at = (long) j * rows * Float.BYTES;
                MemorySegment.copy(Tensors.memory(g), ValueLayout.JAVA_FLOAT, at, gradient, 0, rows);
                for (int r = 0; r < rows; r++) {
                    losses[r] += ((double) v[j * rows + r] - t[j * rows + r]) * gradient[r];
                }
            }
            return losses;
        }

        /** Remembers the rows that are better than ever. */
        void keep() {
            double[] losses = losses();
            boolean[] better = new boolean[rows];
            for (int r = 0; r < rows; r++) {
                better[r] = losses[r] < bestLoss[r];
                bestLoss[r] = better[r] ? losses[r] : bestLoss[r];
            }
            for (int j = 0; j < n; j++) {
                for (int r = 0; r < rows; r++) {
                    if (better[r]) {
                        best[j * rows + r] = v[j * rows + r];
                    }
                }
            }
        }

        void close() {
            g.close();
            d.close();
        }
    }

    @Override
    public void close() {
        for (Tile tile : tiles) {
            tile.close();
        }
        sigma.close();
    }
}
