package dev.halftone.kernel;

import java.util.Locale;

/** Chooses the provider once for the process. */
final class KernelChoice {
    static final Kernels CHOSEN = choose();

    private KernelChoice() {}

    private static Kernels choose() {
        String wish = System.getProperty("halftone.kernels", "").toLowerCase(Locale.ROOT);
        if (wish.equals("scalar")) {
            return new ScalarKernels();
        }
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            System.err.println("halftone: slow scalar kernels; start java with --add-modules jdk.incubator.vector");
            return new ScalarKernels();
        }
        return new VectorKernels();
    }
}
