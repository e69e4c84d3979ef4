package dev.halftone.solver;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.FittedGrid;
import dev.halftone.format.GridCodes;
import dev.halftone.format.GroupValues;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.kernel.LevelColumns;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A weight on its grids while it is being solved: codes (out, in), scales and zero points (groups, tiles). Tiles of rows are
 * fitted, and rows are rounded, independently of one another.
 */
final class GridRounding implements ColumnLoop.Grid {
    /** Rows that a thread takes at once, and whose codes of one column stand side by side. */
    private static final int STRIP = 64;

    private final WeightProblem problem;
    private final NumberFormat format;
    private final SearchWeights weights;
    private final int out;
    private final int in;
    private final int groups;
    private final int rows;
    private final int tiles;

    /** The group of each input. */
    private final int[] groupOf;

    private final float unit;

    /** (groups, tiles), so that the grids of one column stand side by side; minima and saturation likewise. */
    private final LevelColumns levels;

    private final float[] minima;
    private final boolean[] saturated;

    /** (strips of rows, in, rows of a strip): columns are rounded one by one, and rows of the packed weight would lie too far apart. */
    private final byte[] codes;

    GridRounding(WeightProblem problem, NumberFormat format, SearchWeights weights, int[] groupOf) {
        this.problem = problem;
        this.format = format;
        this.weights = weights;
        this.out = problem.out();
        this.in = problem.in();
        this.groups = format.groups(in);
        this.rows = format.rowsIn(out);
        this.tiles = format.tiles(out);
        this.groupOf = groupOf;
        this.unit = format.unit(problem.weight());
        int grids = Math.multiplyExact(tiles, groups);
        this.levels = format.columns(grids);
        this.minima = new float[grids];
        this.saturated = new boolean[grids];
        this.codes = new byte[Math.multiplyExact(Math.ceilDiv(out, STRIP) * STRIP, in)];
    }

    /** Every group fitted to W and rounded to nearest. */
    static GridRounding nearest(WeightProblem problem, NumberFormat format, ClipSearch search, Workers workers) {
        GridRounding result = fixed(problem, format, search, workers);
        int in = problem.in();
        workers.forEach(Math.ceilDiv(problem.out(), STRIP), strip -> {
            Nearest nearest = result.new Nearest(problem.weight());
            for (int row = strip * STRIP; row < Math.min(problem.out(), (strip + 1) * STRIP); row++) {
                nearest.round(row);
                for (int j = 0; j < in; j++) {
                    result.codes[result.place(row, j)] = (byte) nearest.codes[j];
                }
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
        workers.forEach(result.tiles, tile -> {
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
        levels.scales()[index] = grid.scale();
        levels.zeros()[index] = grid.zero();
        levels.offsets()[index] = format.offset(grid.scale(), grid.minimum());
        minima[index] = grid.minimum();
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
        float[] value = {w};
        int[] code = new int[1];
        format.round(value, 0, levels, index(row, groupOf[column]), code, 1);
        codes[place(row, column)] = (byte) code[0];
        return value[0];
    }

    @Override
    public void round(int row, int count, int column, float[] w, int at) {
        if (rows > 1) {
            // Rows share grids.
            ColumnLoop.Grid.super.round(row, count, column, w, at);
            return;
        }
        int[] found = new int[count];
        format.round(w, at, levels, index(row, groupOf[column]), found, count);
        for (int r = 0; r < count; r++) {
            codes[place(row + r, column)] = (byte) found[r];
        }
    }

    NumberFormat format() {
        return format;
    }

    private int place(int row, int column) {
        return (row / STRIP * in + column) * STRIP + row % STRIP;
    }

    /** Codes (out, in). */
    private byte[] byRow() {
        byte[] rowMajor = new byte[out * in];
        for (int row = 0; row < out; row++) {
            int first = place(row, 0);
            for (int j = 0; j < in; j++) {
                rowMajor[row * in + j] = codes[first + j * STRIP];
            }
        }
        return rowMajor;
    }

    private int index(int row, int g) {
        return g * tiles + (rows == 1 ? row : row / rows);
    }

    /** Rows of a weight rounded to nearest on these grids, one after the other. */
    private final class Nearest {
        final float[] values = new float[in];
        final int[] codes = new int[in];
        private final float[] weight;
        private final LevelColumns own = format.columns(in);

        Nearest(float[] weight) {
            this.weight = weight;
        }

        void round(int row) {
            for (int from = 0; from < in; ) {
                int to = from + 1;
                while (to < in && groupOf[to] == groupOf[from]) {
                    to++;
                }
                int index = index(row, groupOf[from]);
                Arrays.fill(own.scales(), from, to, levels.scales()[index]);
                Arrays.fill(own.zeros(), from, to, levels.zeros()[index]);
                Arrays.fill(own.offsets(), from, to, levels.offsets()[index]);
                from = to;
            }
            System.arraycopy(weight, row * in, values, 0, in);
            format.round(values, 0, own, 0, codes, in);
        }
    }

    /** The values of W rounded to nearest on these grids. */
    void nearest(int row, float[] target, int at) {
        Nearest nearest = new Nearest(problem.weight());
        nearest.round(row);
        System.arraycopy(nearest.values, 0, target, at, in);
    }

    /** Share of codes that rounding a weight to nearest on these grids would change. */
    double changed(float[] weight, Workers workers) {
        int[] changed = new int[Math.ceilDiv(out, STRIP)];
        workers.forEach(changed.length, strip -> {
            Nearest nearest = new Nearest(weight);
            int count = 0;
            for (int row = strip * STRIP; row < Math.min(out, (strip + 1) * STRIP); row++) {
                nearest.round(row);
                for (int j = 0; j < in; j++) {
                    count += codes[place(row, j)] == (byte) nearest.codes[j] ? 0 : 1;
                }
            }
            changed[strip] = count;
        });
        return Arrays.stream(changed).asLongStream().sum() / ((double) out * in);
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
        float[] scales = new float[minima.length];
        float[] least = new float[minima.length];
        byte[] zeros = new byte[minima.length];
        for (int t = 0; t < tiles; t++) {
            for (int g = 0; g < groups; g++) {
                scales[t * groups + g] = levels.scales()[g * tiles + t];
                least[t * groups + g] = minima[g * tiles + t];
                zeros[t * groups + g] = (byte) levels.zeros()[g * tiles + t];
            }
        }
        return PackedWeight.of(format, out, in, new GridCodes(byRow(), scales, zeros, least, unit, groupOf));
    }
}
