package dev.halftone.statistics;

import dev.halftone.kernel.Kernels;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Workers;
import java.util.Arrays;

/** Extrema and sums of each channel. */
public final class ChannelSums {
    private static final Kernels KERNELS = Kernels.best();

    private static final int TOKENS = 1024;

    private final float[] low;
    private final float[] high;
    private final double[] sum;
    private final double[] sumAbs;
    private final double[] sumSquares;

    public ChannelSums(int channels) {
        this.low = new float[channels];
        this.high = new float[channels];
        this.sum = new double[channels];
        this.sumAbs = new double[channels];
        this.sumSquares = new double[channels];
        Arrays.fill(low, Float.POSITIVE_INFINITY);
        Arrays.fill(high, Float.NEGATIVE_INFINITY);
    }

    /** Of stored activations (tokens, channels), which must be finite; added up in the order of the tokens. */
    public static ChannelSums of(Activations activations, Workers workers) {
        int pieces = Math.toIntExact(Math.ceilDiv(activations.rows(), TOKENS));
        ChannelSums[] parts = new ChannelSums[pieces];
        workers.forEach(pieces, piece -> {
            long from = (long) piece * TOKENS;
            long to = Math.min(activations.rows(), from + TOKENS);
            parts[piece] = new ChannelSums(activations.columns());
            parts[piece].add(Tensors.floats(activations.view(from, to)), 0, (int) (to - from));
        });
        ChannelSums all = new ChannelSums(activations.columns());
        for (ChannelSums part : parts) {
            all.merge(part);
        }
        return all;
    }

    /** Adds finite rows. */
    void add(float[] x, int at, int rows) {
        KERNELS.columnSums(x, at, rows, low.length, low, high, sum, sumAbs, sumSquares);
    }

    /** Adds one row; what is not finite is passed over. */
    void addFinite(float[] x, int at) {
        for (int c = 0; c < low.length; c++) {
            double value = x[at + c];
            if (Double.isFinite(value)) {
                low[c] = Math.min(low[c], x[at + c]);
                high[c] = Math.max(high[c], x[at + c]);
                sum[c] += value;
                sumAbs[c] += Math.abs(value);
                sumSquares[c] = Math.fma(value, value, sumSquares[c]);
            }
        }
    }

    /** Adds another's. */
    public void merge(ChannelSums other) {
        for (int c = 0; c < low.length; c++) {
            low[c] = Math.min(low[c], other.low[c]);
            high[c] = Math.max(high[c], other.high[c]);
            sum[c] += other.sum[c];
            sumAbs[c] += other.sumAbs[c];
            sumSquares[c] += other.sumSquares[c];
        }
    }

    /** Smallest value of all. */
    public float low() {
        float least = Float.POSITIVE_INFINITY;
        for (float value : low) {
            least = Math.min(least, value);
        }
        return least;
    }

    /** Largest value of all. */
    public float high() {
        float most = Float.NEGATIVE_INFINITY;
        for (float value : high) {
            most = Math.max(most, value);
        }
        return most;
    }

    public int channels() {
        return low.length;
    }

    /** Smallest value of a channel; positive infinity if there was none. */
    public float low(int channel) {
        return low[channel];
    }

    /** Largest value of a channel; negative infinity if there was none. */
    public float high(int channel) {
        return high[channel];
    }

    public double sum(int channel) {
        return sum[channel];
    }

    /** Sum of |x|. */
    public double sumAbs(int channel) {
        return sumAbs[channel];
    }

    /** Sum of x^2: divided by the number of tokens, the diagonal of H and the importance of a channel. */
    public double sumSquares(int channel) {
        return sumSquares[channel];
    }

    /** max |x| of each channel; 0 where there was nothing. */
    public float[] largest() {
        float[] largest = new float[low.length];
        for (int c = 0; c < low.length; c++) {
            largest[c] = Math.max(0, Math.max(-low[c], high[c]));
        }
        return largest;
    }

    /** Five rows of channels: what a file keeps. */
    double[] toArray() {
        int n = low.length;
        double[] all = new double[5 * n];
        for (int c = 0; c < n; c++) {
            all[c] = low[c];
            all[n + c] = high[c];
        }
        System.arraycopy(sum, 0, all, 2 * n, n);
        System.arraycopy(sumAbs, 0, all, 3 * n, n);
        System.arraycopy(sumSquares, 0, all, 4 * n, n);
        return all;
    }

    static ChannelSums of(double[] all) {
        int n = all.length / 5;
        ChannelSums sums = new ChannelSums(n);
        for (int c = 0; c < n; c++) {
            sums.low[c] = (float) all[c];
            sums.high[c] = (float) all[n + c];
        }
        System.arraycopy(all, 2 * n, sums.sum, 0, n);
        System.arraycopy(all, 3 * n, sums.sumAbs, 0, n);
        System.arraycopy(all, 4 * n, sums.sumSquares, 0, n);
        return sums;
    }
}
