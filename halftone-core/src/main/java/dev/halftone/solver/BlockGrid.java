package dev.halftone.solver;

import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.format.gguf.BlockRow;
import dev.halftone.format.gguf.RowQuantizer;
import dev.halftone.tensor.Workers;

/** A weight in blocks of a GGUF type while it is being solved. Scales come from the type's own search; rows are independent. */
final class BlockGrid implements ColumnLoop.Grid {
    private static final int TILE = 32;

    private final BlockLayout layout;
    private final int in;
    private final float[] weight;
    private final BlockRow[] rows;

    /** Scale and offset of each run of each row, as stored. */
    private final float[][] scales;

    private final float[][] offsets;

    /** @param importance diag(H) */
    BlockGrid(WeightProblem problem, BlockLayout layout, float[] importance, Workers workers) {
        this.layout = layout;
        this.in = problem.in();
        this.weight = problem.weight();
        this.rows = new BlockRow[problem.out()];
        this.scales = new float[rows.length][];
        this.offsets = new float[rows.length][];
        workers.forEach(Math.ceilDiv(rows.length, TILE), tile -> {
            RowQuantizer quantizer = RowQuantizer.of(layout);
            for (int row = tile * TILE; row < Math.min(rows.length, (tile + 1) * TILE); row++) {
                rows[row] = new BlockRow(layout, in);
                quantizer.quantize(weight, row * in, importance, rows[row]);
                refresh(row);
            }
        });
    }

    /** Reads a row's scales again after they were changed. */
    void refresh(int row) {
        int runs = in / layout.run();
        scales[row] = new float[runs];
        offsets[row] = new float[runs];
        for (int run = 0; run < runs; run++) {
            scales[row][run] = rows[row].scale(run);
            offsets[row][run] = rows[row].offset(run);
        }
    }

    BlockLayout layout() {
        return layout;
    }

    BlockRow[] rows() {
        return rows;
    }

    @Override
    public int groupOf(int column) {
        return column / layout.block();
    }

    @Override
    public void fit(int row, int group, float[] values, int at) {
        throw new IllegalStateException("scales of blocks are chosen before the first column");
    }

    @Override
    public float round(int row, int column, float w) {
        int code = code(row, column, w);
        rows[row].setCode(column, code);
        return value(row, column, code);
    }

    /** The nearest code on the stored grid; the one there is where the grid is a single point. */
    int code(int row, int column, float w) {
        int run = column / layout.run();
        float scale = scales[row][run];
        return scale == 0 ? rows[row].code(column) : layout.nearest((w - offsets[row][run]) / scale);
    }

    float value(int row, int column, int code) {
        int run = column / layout.run();
        return scales[row][run] * layout.level(code) + offsets[row][run];
    }

    /** Share of codes that rounding W to nearest on these grids would change. */
    double changed() {
        long changed = 0;
        for (int row = 0; row < rows.length; row++) {
            for (int j = 0; j < in; j++) {
                changed += rows[row].code(j) != code(row, j, weight[row * in + j]) ? 1 : 0;
            }
        }
        return (double) changed / ((double) rows.length * in);
    }
}
