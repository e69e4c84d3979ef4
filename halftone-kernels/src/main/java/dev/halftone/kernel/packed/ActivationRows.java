package dev.halftone.kernel.packed;

/** Activations in the form that a kernel reads, made by {@link PackedMatrix#inputs}. */
public interface ActivationRows {
    /** Rows. */
    int tokens();

    /** Columns. */
    int columns();
}
