package dev.halftone.solver;

import dev.halftone.format.StoredWeight;

/**
 * The outliers of a problem while an error-feedback loop runs: each keeps the value that it has when its column is reached, as the
 * difference from the nearest dense value.
 */
final class KeptOutliers implements ColumnLoop.Kept {
    private final OutlierMask mask;
    private final int in;
    private final GridRounding grid;
    private final OutlierRows rows;

    KeptOutliers(OutlierMask mask, int out, int in, GridRounding grid) {
        this.mask = mask;
        this.in = in;
        this.grid = grid;
        this.rows = new OutlierRows(out, in);
    }

    @Override
    public boolean keeps(int row, int column) {
        return mask.has(row * in + column);
    }

    @Override
    public float keep(int row, int column, float value) {
        float dense = grid.round(row, column, value);
        return dense + rows.put(row, column, value - dense);
    }

    /** Keeps the values of W itself, beside codes that were rounded to nearest. */
    void keepAll(float[] weight) {
        for (int place : mask.places()) {
            keep(place / in, place % in, weight[place]);
        }
    }

    StoredWeight packed() {
        return rows.beside(grid.pack());
    }
}
