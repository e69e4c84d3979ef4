package dev.halftone.runtime;

import dev.halftone.kernel.packed.PackedMatrix;

/** Brings stored weights into the layouts that kernels read. */
interface MatrixFactory extends AutoCloseable {
    /** The kernels, for reports. */
    String description();

    /** The same values, or what the layout makes of them. */
    PackedMatrix matrix(ModelMatrix weight);

    /** Frees the memory of all matrices. */
    @Override
    void close();
}
