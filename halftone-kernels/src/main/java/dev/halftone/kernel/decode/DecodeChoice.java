package dev.halftone.kernel.decode;

import dev.halftone.kernel.Kernels;

/** Follows the choice of {@link Kernels}. */
final class DecodeChoice {
    static final DecodeKernels CHOSEN =
            Kernels.best().name().equals(Kernels.scalar().name()) ? new ScalarDecode() : new VectorDecode();

    private DecodeChoice() {}
}
