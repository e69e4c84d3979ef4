package dev.halftone.kernel;

/** Chooses the provider once for the process. */
final class KernelChoice {
    static final Kernels CHOSEN = choose();

    private KernelChoice() {}

    private static Kernels choose() {
        if (VectorWidth.chosen() == 0) {
            return new ScalarKernels();
        }
        return new VectorKernels();
    }
}
