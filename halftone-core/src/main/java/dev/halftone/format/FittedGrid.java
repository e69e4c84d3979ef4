package dev.halftone.format;

/**
 * The grid of one group: the shared bottom of all solvers. A scale is rounded to the type that it is stored as before codes are
 * computed with it; all arithmetic is float32 and divisions are true divisions, so that every solver gives the same codes for
 * the same values.
 */
public sealed interface FittedGrid permits GroupGrid, LevelGrid {
    /**
     * Fits the grid.
     *
     * @param weights importance all ones where the search is not weighted
     */
    void fit(GroupValues values, ColumnWeights weights);

    /** Of the last fit. */
    float scale();

    /** Of the last fit; what every group has if the format stores none. */
    int zero();

    /** Of the last fit; 0 unless the format is affine. */
    float minimum();

    /** True if the last fit asked for a scale beyond the end of its type. */
    boolean saturated();

    /** The code of a value on the last fit. */
    int code(float w);

    /** The value of a code on the last fit. */
    float value(int code);
}
