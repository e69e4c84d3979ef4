package dev.halftone.runtime;

import dev.halftone.kernel.decode.DecodeKernels;

/**
 * A norm of rows.
 *
 * @param rms RMSNorm, else LayerNorm
 * @param gain with the family's offset in it
 * @param bias as gain, or empty
 */
record RowNorm(boolean rms, float[] gain, float[] bias, float eps) {
    private static final DecodeKernels KERNELS = DecodeKernels.best();

    /** y = norm of x, which may be y, over all places of gain. */
    void apply(float[] x, int at, float[] y, int yAt) {
        part(x, at, y, yAt, gain.length, 0);
    }

    /** The same of {@code length} values with the gains from {@code gainAt} on; without a bias in an RMSNorm. */
    void part(float[] x, int at, float[] y, int yAt, int length, int gainAt) {
        if (rms) {
            KERNELS.rmsNorm(x, at, y, yAt, length, gain, gainAt, eps);
        } else {
            KERNELS.layerNorm(x, at, y, yAt, length, gain, gainAt, bias, eps);
        }
    }
}
