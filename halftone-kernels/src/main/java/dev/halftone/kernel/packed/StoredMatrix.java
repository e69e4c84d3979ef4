package dev.halftone.kernel.packed;

/** A packed matrix whose weights can be read back, such as a table of embeddings. */
public sealed interface StoredMatrix extends PackedMatrix
        permits IntegerMatrix, FloatMatrix, LevelMatrix, SparseMatrix {
    /**
     * One row as it is multiplied, in float32: {@link #columns} values from {@code at} on.
     *
     * @param row in [0, rows)
     */
    void row(int row, float[] target, int at);

    /** Name of the layout: for reports. */
    String layout();

    /** Name of the provider that multiplies: "scalar", "vector-256"... */
    String provider();
}
