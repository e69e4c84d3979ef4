package dev.halftone.kernel.packed;

/**
 * Activations as they are.
 *
 * @param x (tokens, columns), not copied
 */
record FloatRows(float[] x, int tokens, int columns) implements ActivationRows {}
