package dev.halftone.solver;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.FittedGrid;
import dev.halftone.format.GridCodes;
import dev.halftone.format.GroupValues;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A weight on its grids while it is being solved: codes (out, in), scales and zero points (tiles, groups). Tiles of rows are
 * fitted, and rows are rounded, independently of one another.
 */
final class GridRounding implements ColumnLoop.Grid {
    private final NumberFormat format;
    private final SearchWeights weights;
    private final int out;
    private final int in;
    private final int groups;
    private final int rows;

    /** The group of each input. */
    private final int[] groupOf;

    private final float unit;
    private final float[] scales;
    private final byte[] zeros;
    private final float[] minima;
    private final float[] offsets;
    private final boolean[] saturated;
    private final byte[] codes;

    GridRounding(WeightProblem problem, NumberFormat format, SearchWeights weights, int[] groupOf) {
        this.format = format;
        this.weights = weights;
        this.out = problem.out();
        this.in = problem.in();
        this.groups = format.groups(in);
        this.rows = format.rowsIn(out);
        this.groupOf = groupOf;
        this.unit = format.unit(problem.weight());
        int grids = Math.multiplyExact(format.tiles(out), groups);
        this.scales = new float[grids];
        this.zeros = new byte[grids];
        this.minima = new float[grids];
        this.offsets = new float[grids];
        this.saturated = new boolean[grids];
        this.codes = new byte[Math.multiplyExact(out, in)];
    }

    /** Every group fitted to W and rounded to nearest. */
    static GridRounding nearest(WeightProblem problem, NumberFormat format, ClipSearch search, Workers workers) {
        GridRounding result = fixed(problem, format, search, workers);
        int in = problem.in();
        workers.forEach(problem.out(), row -> {
            for (int j = 0; j < in; j++) {
                result.round(row, j, problem.weight()[row * in + j]);
            }
        });
        return result;
    }

    /** Every group fitted to W; nothing rounded yet. */
    static GridRounding fixed(WeightProblem problem, NumberFormat format, ClipSearch search, Workers workers) {
        int in = problem.in();
        int perGroup = format.groupIn(in);
        int[] columns = IntStream.range(0, in).toArray();
        SearchWeights weights = SearchWeights.of(problem, search, columns, perGroup);
        int[] groupOf = IntStream.range(0, in).map(j -> j / perGroup).toArray();
        GridRounding result = new GridRounding(problem, format, weights, groupOf);
        workers.forEach(format.tiles(problem.out()), tile -> {
            int first = tile * result.rows;
            int rows = Math.min(result.rows, problem.out() - first);
            for (int g = 0; g < result.groups; g++) {
                result.fit(first, g, new GroupValues(problem.weight(), first * in + g * perGroup, in, rows, perGroup));
            }
        });
        return result;
    }

    private void fit(int row, int g, GroupValues values) {
        FittedGrid grid = format.grid(weights.search(), unit);
        grid.fit(values, weights.group(g));
        int index = index(row, g);
        scales[index] = grid.scale();
        zeros[index] = (byte) grid.zero();
        minima[index] = grid.minimum();
        offsets[index] = format.offset(grid.scale(), grid.minimum());
        saturated[index] = grid.saturated();
    }

    @Override
    public void fit(int row, int g, float[] values, int at) {
        fit(row, g, GroupValues.run(values, at, format.groupIn(in)));
    }

    @Override
    public int groupOf(int column) {
        return groupOf[column];
    }

    @Override
    public float round(int row, int column, float w) {
        int index = index(row, groupOf[column]);
        int code = code(w, index);
        codes[row * in + column] = (byte) code;
        return format.value(code, scales[index], offsets[index], zeros[index] & 0xff);
    }

    private int index(int row, int g) {
        return (rows == 1 ? row : row / rows) * groups + g;
    }

    private int code(float w, int index) {
        return format.code(w, scales[index], offsets[index], zeros[index] & 0xff);
    }

    /** Share of codes that rounding W to nearest on these grids would change. */
    double changed(float[] weight) {
        long changed = 0;
        for (int row = 0; row < out; row++) {
            for (int j = 0; j < in; j++) {
                int at = row * in + j;
                if ((codes[at] & 0xff) != code(weight[at], index(row, groupOf[j]))) {
                    changed++;
                }
            }
        }
        return (double) changed / codes.length;
    }

    /** What the result has to say of its grids. */
    List<Event> events() {
        List<Event> events = new ArrayList<>(weights.events());
        int cut = 0;
        for (boolean group : saturated) {
            cut += group ? 1 : 0;
        }
        if (cut > 0) {
            events.add(new Event.ScalesSaturated(cut, format.scale().title()));
        }
        return events;
    }

    PackedWeight pack() {
        return PackedWeight.of(format, out, in, new GridCodes(codes, scales, zeros, minima, unit, groupOf));
    }
}
