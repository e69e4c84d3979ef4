package dev.halftone.solver;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.ColumnWeights;
import dev.halftone.format.GridCodes;
import dev.halftone.format.GridMode;
import dev.halftone.format.GroupGrid;
import dev.halftone.format.GroupValues;
import dev.halftone.format.IntGroup;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.TwoGridGroup;
import dev.halftone.format.TwoGridWeight;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.List;

/**
 * AdpQ: without any data, a share of the weights is salient by an adaptive lasso, and each group has two min-max grids, one for its
 * salient weights and one for the rest.
 *
 * <p>Source: arXiv:2405.13358. With inputs taken as orthogonal the lasso separates: w is salient if |w| > sqrt(lambda'), one lambda' for
 * the layer. So sqrt(lambda') is found as a quantile of the magnitudes instead of by a search over lambda'; equal magnitudes in the
 * order of their places. Both grids have the bits of the format; outliers in 16 bits are what rounding to nearest does beside {@link
 * MagnitudeChooser}.
 *
 * <p>W (out, in). Cost O(out in).
 */
public final class AdpQ implements WeightSolver {
    /** Rows that a thread takes at once. */
    private static final int ROWS = 64;

    /** What each thread needs. */
    private static final class Group {
        final float[] rest;
        final float[] salient;

        Group(int size) {
            this.rest = new float[size];
            this.salient = new float[size];
        }
    }

    private final double share;

    /** @param share of salient weights, 0 to 1 */
    public AdpQ(double share) {
        this.share = share;
    }

    @Override
    public String name() {
        return "adpq";
    }

    @Override
    public boolean needsGram() {
        return false;
    }

    @Override
    public boolean givesPlainCodes() {
        return false;
    }

    @Override
    public Solution find(WeightProblem problem, NumberFormat format, Workers workers) {
        IntGroup grid = new TwoGridGroup((IntGroup) format.withGroup(format.groupIn(problem.in()))).grid();
        float[] w = problem.weight();
        int group = grid.group();
        int groups = w.length / group;
        boolean[] salient = new boolean[w.length];
        for (int place :
                MagnitudeChooser.largest(w, OutlierMask.count(share, w.length)).places()) {
            salient[place] = true;
        }
        Grids rest = new Grids(groups);
        Grids outliers = new Grids(groups);
        byte[] codes = new byte[w.length];
        int perRow = problem.in() / group;
        workers.forEach(Math.ceilDiv(problem.out(), ROWS), strip -> {
            Group values = new Group(group);
            int last = Math.min(problem.out(), (strip + 1) * ROWS) * perRow;
            for (int g = strip * ROWS * perRow; g < last; g++) {
                solve(w, salient, g, grid, values, rest, outliers, codes);
            }
        });
        byte[] zeros = new byte[groups];
        Arrays.fill(zeros, (byte) grid.middle());
        GridCodes found = new GridCodes(codes, rest.scales, zeros, rest.minima, 1, new int[0]);
        PackedWeight dense = PackedWeight.of(grid, problem.out(), problem.in(), found);
        TwoGridWeight packed = TwoGridWeight.of(dense, outliers.scales, outliers.minima, salient);
        return Solution.stored(problem, packed, grid, 0, List.of());
    }

    /** Grids of all groups. */
    private static final class Grids {
        final float[] scales;
        final float[] minima;

        Grids(int groups) {
            this.scales = new float[groups];
            this.minima = new float[groups];
        }

        void set(int g, GroupGrid fitted) {
            scales[g] = fitted.scale();
            minima[g] = fitted.minimum();
        }
    }

    private static void solve(
            float[] w,
            boolean[] salient,
            int g,
            IntGroup grid,
            Group values,
            Grids rest,
            Grids outliers,
            byte[] codes) {
        int first = g * grid.group();
        int many = 0;
        int few = 0;
        for (int at = first; at < first + grid.group(); at++) {
            if (salient[at]) {
                values.salient[few++] = w[at];
            } else {
                values.rest[many++] = w[at];
            }
        }
        GroupGrid ofRest = fitted(grid, values.rest, many);
        GroupGrid ofSalient = fitted(grid, values.salient, few);
        rest.set(g, ofRest);
        outliers.set(g, ofSalient);
        for (int at = first; at < first + grid.group(); at++) {
            codes[at] = (byte) (salient[at] ? ofSalient : ofRest).code(w[at]);
        }
    }

    /** The grid of some values: of none that of a zero, of equal ones one that has their value. */
    private static GroupGrid fitted(IntGroup format, float[] values, int count) {
        GroupGrid grid = new GroupGrid(format, ClipSearch.MIN_MAX);
        grid.fit(
                count == 0 ? GroupValues.run(new float[1], 0, 1) : GroupValues.run(values, 0, count),
                ColumnWeights.of(new float[0], 0));
        return grid;
    }

    /** Formats that have two grids: the keys of a recipe say which of the modes. */
    public static boolean takes(NumberFormat format) {
        return format instanceof IntGroup grid && (grid.mode() == GridMode.AFFINE || grid.mode() == GridMode.SYM);
    }
}
