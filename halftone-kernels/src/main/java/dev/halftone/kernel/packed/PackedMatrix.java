package dev.halftone.kernel.packed;

/**
 * A weight W (rows, columns) in a layout that its kernel reads. Immutable, and outside the heap where it is large; any number of
 * threads may multiply with it at once.
 */
public interface PackedMatrix {
    /** Outputs. */
    int rows();

    /** Inputs. */
    int columns();

    /** What one product reads of it. */
    long bytes();

    /** Rows that are stored together: pieces of a product begin at multiples of it. */
    int tile();

    /**
     * Brings activations (tokens, columns) into the form that this matrix multiplies with: as they are, or rounded to int8. The same
     * form serves all matrices for which {@link #sharesInputs} holds.
     */
    ActivationRows inputs(float[] x, int tokens);

    /** True if {@link #inputs} of the two give the same. */
    boolean sharesInputs(PackedMatrix other);

    /**
     * A piece of Y = X W^T: y[t * stride + r] for all tokens t and the rows r in [from, to). The same bits whatever the pieces and
     * however many tokens there are.
     *
     * @param from a multiple of {@link #tile}; {@code to} too, or the number of rows
     */
    void multiply(ActivationRows x, float[] y, int stride, int from, int to);
}
