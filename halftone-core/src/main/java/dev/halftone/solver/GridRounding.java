package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.GroupGrid;
import dev.halftone.format.IntGroup;
import dev.halftone.format.PackedWeight;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A weight on integer grids while it is being solved: codes (out, in), scales and zero points (out, groups). Rows are fitted and
 * rounded independently of one another.
 */
final class GridRounding {
    private final IntGroup format;
    private final int out;
    private final int in;
    final byte[] codes;
    final float[] scales;
    final byte[] zeros;

    GridRounding(IntGroup format, int out, int in) {
        this.format = format;
        this.out = out;
        this.in = in;
        this.codes = new byte[Math.multiplyExact(out, in)];
        this.scales = new float[out * format.groups(in)];
        this.zeros = new byte[out * format.groups(in)];
    }

    /** Every group fitted to W and rounded to nearest. */
    static GridRounding nearest(WeightProblem problem, IntGroup format, ClipSearch search, Workers workers) {
        GridRounding result = new GridRounding(format, problem.out(), problem.in());
        float[] importance = importance(problem, search);
        workers.forEach(problem.out(), row -> {
            GroupGrid grid = new GroupGrid(format, search);
            int perGroup = format.groupIn(problem.in());
            for (int g = 0; g < format.groups(problem.in()); g++) {
                result.fit(grid, row, g, problem.weight(), row * problem.in() + g * perGroup, importance);
            }
            for (int j = 0; j < problem.in(); j++) {
                int at = row * problem.in() + j;
                result.codes[at] = (byte) result.code(problem.weight()[at], row, j / perGroup);
            }
        });
        return result;
    }

    /** Importance of the columns for a search: diag(H) over its mean, or ones where the search or the problem has no weights. */
    static float[] importance(WeightProblem problem, ClipSearch search) {
        float[] importance = new float[problem.in()];
        Arrays.fill(importance, 1f);
        @Nullable Gram gram = problem.gram();
        if (search.weighted() && gram != null && gram.trace() > 0) {
            double mean = gram.trace() / gram.size();
            double[] diagonal = gram.diagonal();
            for (int j = 0; j < importance.length; j++) {
                importance[j] = (float) (diagonal[j] / mean);
            }
        }
        return importance;
    }

    /** Fits the grid of group g of a row to values that start at {@code at}. */
    void fit(GroupGrid grid, int row, int g, float[] values, int at, float[] importance) {
        int perGroup = format.groupIn(in);
        grid.fit(values, at, importance, g * perGroup, perGroup);
        int index = row * format.groups(in) + g;
        scales[index] = grid.scale();
        zeros[index] = (byte) grid.zero();
    }

    int code(float w, int row, int g) {
        int index = row * format.groups(in) + g;
        return GroupGrid.code(w, scales[index], zeros[index] & 0xff, format.largest());
    }

    float value(int code, int row, int g) {
        int index = row * format.groups(in) + g;
        return GroupGrid.value(code, scales[index], zeros[index] & 0xff);
    }

    /** Share of codes that rounding W to nearest on these grids would change. */
    double changed(float[] weight) {
        long changed = 0;
        int perGroup = format.groupIn(in);
        for (int row = 0; row < out; row++) {
            for (int j = 0; j < in; j++) {
                int at = row * in + j;
                if ((codes[at] & 0xff) != code(weight[at], row, j / perGroup)) {
                    changed++;
                }
            }
        }
        return (double) changed / codes.length;
    }

    PackedWeight pack() {
        return PackedWeight.of(format, out, in, codes, scales, zeros);
    }
}
