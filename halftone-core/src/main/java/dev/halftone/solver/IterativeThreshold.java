package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.OutlierWeight;
import dev.halftone.format.Outliers;
import dev.halftone.format.Outliers.Placement;
import dev.halftone.format.StoredWeight;
import dev.halftone.solver.QuantEase.Sparse;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * QuantEase with outliers: min over V on the grid and sparse S of tr((W - V - S) Sigma (W - V - S)^T). A sweep of coordinate descent on
 * V, then a step of iterative hard thresholding on S: S <- top_k(S - R / (2 lambda)), R = (V + S - W) Sigma, lambda the largest
 * eigenvalue of Sigma. S has k non-zero weights of the layer, or whole columns: those of the largest norm.
 *
 * <p>Source: Behdin et al., arXiv:2309.01885. Deviations: the grid is fitted to W with each first outlier replaced by the mean of its
 * group (the paper drops the extremes of a row by count, which says nothing about groups); the best rounded iterate is kept.
 */
final class IterativeThreshold {
    /** Steps of the power iteration. */
    private static final int POWERS = 40;

    private final WeightProblem problem;
    private final Gram gram;
    private final NumberFormat format;
    private final ClipSearch search;
    private final Sparse sparse;
    private final int in;

    /** S of the best iterate and of the running one. */
    private float[] bestS = new float[0];

    private float[] s;

    /** Of COLUMNS: which they are, ascending. */
    private int[] columns = new int[0];

    private int[] bestColumns = new int[0];
    private float[] bestV = new float[0];
    private @Nullable GridRounding bestGrid;
    private double bestLoss = Double.POSITIVE_INFINITY;
    private @Nullable StoredWeight packed;

    IterativeThreshold(WeightProblem problem, Gram gram, NumberFormat format, ClipSearch search, Sparse sparse) {
        this.problem = problem;
        this.gram = gram;
        this.format = format;
        this.search = search;
        this.sparse = sparse;
        this.in = problem.in();
        this.s = problem.weight();
    }

    /**
     * Descends.
     *
     * @param schedule which sweeps round
     * @param start V for a target on a grid
     */
    void run(boolean[] schedule, BiFunction<WeightProblem, GridRounding, float[]> start, Workers workers) {
        double step = 1 / (2 * largestEigenvalue(gram, workers));
        s = thresholded(problem.weight());
        GridRounding grid = grid(workers);
        float[] target = target();
        float[] v = start.apply(problem.withWeight(target), grid);
        try (CoordinateDescent descent = new CoordinateDescent(target, v, false, gram, grid, null, workers)) {
            for (boolean rounding : schedule) {
                descent.sweep(rounding);
                float[] r = descent.gradient();
                int[] before = columns;
                float[] moved = new float[s.length];
                for (int at = 0; at < moved.length; at++) {
                    moved[at] = (float) (s[at] - step * r[at]);
                }
                s = thresholded(moved);
                descent.retarget(target());
                keep(descent, grid, rounding);
                if (!Arrays.equals(before, columns)) {
                    grid = grid(workers);
                    descent.regrid(grid);
                }
            }
        }
        pack(workers);
    }

    private void keep(CoordinateDescent descent, GridRounding grid, boolean rounding) {
        double loss = rounding ? descent.loss() : Double.POSITIVE_INFINITY;
        if (loss < bestLoss) {
            bestLoss = loss;
            bestS = s;
            bestV = descent.values();
            bestGrid = grid;
            bestColumns = columns;
        }
    }

    private void pack(Workers workers) {
        StoredWeight dense = rounding().packed(bestV, null, workers);
        int out = problem.out();
        if (sparse.placement() == Placement.WEIGHTS) {
            OutlierRows rows = new OutlierRows(out, in);
            for (int at = 0; at < bestS.length; at++) {
                if (bestS[at] != 0) {
                    rows.put(at / in, at % in, bestS[at]);
                }
            }
            packed = rows.beside(dense);
            return;
        }
        float[] values = new float[out * bestColumns.length];
        for (int row = 0; row < out; row++) {
            for (int k = 0; k < bestColumns.length; k++) {
                values[row * bestColumns.length + k] = bestS[row * in + bestColumns[k]];
            }
        }
        packed = bestColumns.length == 0
                ? dense
                : new OutlierWeight(dense, Outliers.ofColumns(out, in, bestColumns, values));
    }

    /** The grids of the best iterate. */
    GridRounding rounding() {
        GridRounding grid = bestGrid;
        if (grid == null) {
            throw new IllegalStateException("no sweep has rounded");
        }
        return grid;
    }

    /** S of the best iterate (out, in). */
    float[] sparse() {
        return bestS;
    }

    StoredWeight packed() {
        StoredWeight result = packed;
        if (result == null) {
            throw new IllegalStateException("not run");
        }
        return result;
    }

    private GridRounding grid(Workers workers) {
        int[] places = IntStream.range(0, s.length).filter(at -> s[at] != 0).toArray();
        return GridRounding.fixed(
                problem.withOutliers(places.length == 0 ? null : OutlierMask.of(places)), format, search, workers);
    }

    /** W - S. */
    private float[] target() {
        float[] target = problem.weight().clone();
        for (int at = 0; at < target.length; at++) {
            target[at] -= s[at];
        }
        return target;
    }

    /** The k largest values, or the columns of the largest norm; zeros elsewhere. */
    private float[] thresholded(float[] values) {
        float[] kept = new float[values.length];
        if (sparse.placement() == Placement.WEIGHTS) {
            float[] magnitudes = new float[values.length];
            for (int at = 0; at < values.length; at++) {
                magnitudes[at] = Math.abs(values[at]);
            }
            int count = OutlierMask.count(sparse.share(), values.length);
            for (int place : OutlierMask.largest(magnitudes, count).places()) {
                kept[place] = values[place];
            }
            return kept;
        }
        float[] squares = new float[in];
        for (int at = 0; at < values.length; at++) {
            squares[at % in] += values[at] * values[at];
        }
        columns = OutlierMask.largest(squares, OutlierMask.count(sparse.share(), in))
                .places();
        for (int column : columns) {
            for (int at = column; at < values.length; at += in) {
                kept[at] = values[at];
            }
        }
        return kept;
    }

    /** The largest eigenvalue of H, from below to about a percent, by power iteration. */
    static double largestEigenvalue(Gram gram, Workers workers) {
        int n = gram.size();
        double[] x = new double[n];
        Arrays.fill(x, 1);
        double value = 0;
        for (int i = 0; i < POWERS; i++) {
            double[] from = x;
            double[] y = new double[n];
            workers.forEach(n, row -> {
                double sum = 0;
                for (int j = 0; j < n; j++) {
                    sum += gram.h()[row * n + j] * from[j];
                }
                y[row] = sum;
            });
            value = Math.sqrt(Arrays.stream(y).map(v -> v * v).sum()
                    / Arrays.stream(x).map(v -> v * v).sum());
            double norm = value * Math.sqrt(Arrays.stream(x).map(v -> v * v).sum());
            for (int j = 0; j < n; j++) {
                y[j] /= norm;
            }
            x = y;
        }
        return value;
    }
}
