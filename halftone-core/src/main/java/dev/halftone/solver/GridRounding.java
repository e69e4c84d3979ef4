package dev.halftone.solver;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.FittedGrid;
import dev.halftone.format.GridCodes;
import dev.halftone.format.GroupValues;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredWeight;
import dev.halftone.kernel.LevelColumns;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

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
        this(problem, format, weights, groupOf, format.unit(problem.dense(format.groupIn(problem.in()))));
    }

    private GridRounding(WeightProblem problem, NumberFormat format, SearchWeights weights, int[] groupOf, float unit) {
        this.problem = problem;
        this.format = format;
        this.weights = weights;
        this.out = problem.out();
        this.in = problem.in();
        this.groups = format.groups(in);
        this.rows = format.rowsIn(out);
        this.tiles = format.tiles(out);
        this.groupOf = groupOf;
        this.unit = unit;
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
        float[] dense = problem.dense(format.groupIn(in));
        workers.forEach(Math.ceilDiv(problem.out(), STRIP), strip -> {
            Nearest nearest = result.new Nearest(dense);
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
        float[] dense = problem.dense(perGroup);
        workers.forEach(result.tiles, tile -> {
            int first = tile * result.rows;
            int rows = Math.min(result.rows, problem.out() - first);
            for (int g = 0; g < result.groups; g++) {
                result.fit(first, g, new GroupValues(dense, first * in + g * perGroup, in, rows, perGroup));
            }
        });
        return result;
    }

    /** The grids and codes that a weight is stored with. */
    static GridRounding of(WeightProblem problem, PackedWeight packed) {
        NumberFormat format = packed.format();
        int in = problem.in();
        int[] groupOf = IntStream.range(0, in).map(packed::groupOf).toArray();
        SearchWeights none = SearchWeights.of(problem, ClipSearch.MIN_MAX, groupOf, format.groupIn(in));
        GridRounding result = new GridRounding(problem, format, none, groupOf, packed.multiple());
        for (int tile = 0; tile < result.tiles; tile++) {
            int row = tile * result.rows;
            for (int g = 0; g < result.groups; g++) {
                int index = result.index(row, g);
                float scale = packed.multiple() * packed.storedScale(row, g);
                result.levels.scales()[index] = scale;
                result.levels.zeros()[index] = packed.storedZero(row, g);
                result.minima[index] = packed.minima().byteSize() == 0 ? 0 : packed.storedMinimum(row, g);
                result.levels.offsets()[index] = format.offset(scale, result.minima[index]);
            }
        }
        for (int row = 0; row < problem.out(); row++) {
            for (int j = 0; j < in; j++) {
                result.codes[result.place(row, j)] = (byte) packed.code(row, j);
            }
        }
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

    /** The values that the codes of a row stand for. */
    void values(int row, float[] target, int at) {
        for (int j = 0; j < in; j++) {
            int index = index(row, groupOf[j]);
            target[at + j] =
                    format.value(codes[place(row, j)] & 0xFF, levels.scales()[index], levels.offsets()[index], (int)
                            levels.zeros()[index]);
        }
    }

    /** The values that all codes stand for, (out, in). */
    float[] values(Workers workers) {
        float[] values = new float[out * in];
        workers.forEach(out, row -> values(row, values, row * in));
        return values;
    }

    /** A weight of this shape rounded to nearest on these grids, (out, in); codes stay as they are. */
    float[] nearest(float[] weight, Workers workers) {
        float[] values = new float[out * in];
        workers.forEach(Math.ceilDiv(out, STRIP), strip -> {
            Nearest nearest = new Nearest(weight);
            for (int row = strip * STRIP; row < Math.min(out, (strip + 1) * STRIP); row++) {
                nearest.round(row);
                System.arraycopy(nearest.values, 0, values, row * in, in);
            }
        });
        return values;
    }

    /**
     * Gives all weights the codes of these values, and packs them.
     *
     * @param values (out, in): on the grids, but for the outliers
     * @param mask null for none
     */
    StoredWeight packed(float[] values, @Nullable OutlierMask mask, Workers workers) {
        workers.forEach(Math.ceilDiv(out, STRIP), strip -> {
            int first = strip * STRIP;
            int count = Math.min(STRIP, out - first);
            float[] column = new float[count];
            for (int j = 0; j < in; j++) {
                for (int r = 0; r < count; r++) {
                    column[r] = values[(first + r) * in + j];
                }
                round(first, count, j, column, 0);
            }
        });
        if (mask == null) {
            return pack();
        }
        KeptOutliers kept = new KeptOutliers(mask, out, in, this);
        kept.keepAll(values);
        return kept.packed();
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
