package dev.halftone.statistics;

/** Signal-to-noise ratios of quantization in dB. Noise of 0 gives infinity. */
public final class SignalToNoise {
    private SignalToNoise() {}

    /** 10 log10(sum x^2 / sum (x - y)^2). */
    public static double measured(float[] x, float[] y) {
        double signal = 0;
        double noise = 0;
        for (int i = 0; i < x.length; i++) {
            double error = (double) x[i] - y[i];
            signal += (double) x[i] * x[i];
            noise += error * error;
        }
        return 10 * Math.log10(signal / noise);
    }

    /**
     * Of symmetric rounding to {@code bits} bits with max |x| of a group as the largest level and no clipping, noise taken as
     * uniform: 10 log10(12 q^2) - 10 log10(mean over the groups of crest^2), q = 2^(bits-1) - 1.
     *
     * @param squaredCrest mean over the groups of (max |x| / rms)^2
     */
    public static double predicted(int bits, double squaredCrest) {
        double q = (1 << (bits - 1)) - 1;
        return 10 * Math.log10(12 * q * q / squaredCrest);
    }

    /**
     * Of a linear's output, without running it: 10 log10(tr(W H W^T) / tr(E H E^T)).
     *
     * @param w (out, in); e likewise, what the weight changes by
     * @param h (in, in): second moments of the inputs, in any scale
     */
    public static double output(float[] w, float[] e, double[] h, int in) {
        return 10 * Math.log10(energy(w, h, in) / energy(e, h, in));
    }

    private static double energy(float[] w, double[] h, int in) {
        double sum = 0;
        for (int row = 0; row < w.length; row += in) {
            for (int i = 0; i < in; i++) {
                double dot = 0;
                for (int j = 0; j < in; j++) {
                    dot += h[i * in + j] * w[row + j];
                }
                sum += dot * w[row + i];
            }
        }
        return sum;
    }
}
