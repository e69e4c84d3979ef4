package dev.halftone.statistics;

import dev.halftone.statistics.Accumulator.Limits;
import java.util.ArrayList;
import java.util.List;

/**
 * Outlier metrics of a linear weight.
 *
 * @param kurtosis plain, all values pooled; {@code rowKurtosis}: mean over the output rows
 * @param maxToMedian of |w|
 * @param sixSigmaShare share of values further than 6 standard deviations from the mean
 * @param rowSpread max over median of the rows' max |w|; {@code columnSpread} of the input columns'
 */
public record WeightMetrics(
        String name,
        int out,
        int in,
        double absmax,
        double rms,
        double kurtosis,
        double rowKurtosis,
        double maxToMedian,
        double sixSigmaShare,
        double rowSpread,
        double columnSpread,
        List<Group> groups) {
    private static final List<Integer> SIZES = List.of(32, 64, 128);

    /**
     * Groups of neighbouring inputs of a row; a row that is no multiple ends with a shorter one, all-zero ones are left out.
     *
     * @param crestDb root mean square over the groups of max |w| / rms
     * @param snrInt3Db predicted signal-to-noise of symmetric rounding to 3 bits; likewise 4 and 8
     */
    public record Group(int size, double crestDb, double snrInt3Db, double snrInt4Db, double snrInt8Db) {
        static Group of(int size, double squaredCrest) {
            return new Group(
                    size,
                    10 * Math.log10(squaredCrest),
                    SignalToNoise.predicted(3, squaredCrest),
                    SignalToNoise.predicted(4, squaredCrest),
                    SignalToNoise.predicted(8, squaredCrest));
        }
    }

    /** @param w (out, in) row-major */
    public static WeightMetrics of(String name, float[] w, int out, int in) {
        Accumulator accumulator = new Accumulator(in, Limits.NONE);
        accumulator.add(w, out);
        TensorMetrics metrics = TensorMetrics.of(accumulator);
        float[] rows = new float[out];
        for (int i = 0; i < out; i++) {
            for (int j = i * in; j < (i + 1) * in; j++) {
                rows[i] = Math.max(rows[i], Math.abs(w[j]));
            }
        }
        List<Group> groups = new ArrayList<>();
        for (int size : SIZES) {
            double squaredCrest = squaredCrest(w, in, size);
            if (squaredCrest > 0) {
                groups.add(Group.of(size, squaredCrest));
            }
        }
        return new WeightMetrics(
                name,
                out,
                in,
                metrics.absmax(),
                metrics.rms(),
                metrics.kurtosis(),
                metrics.tokenKurtosis(),
                metrics.maxToMedian(),
                metrics.sixSigmaShare(),
                TensorMetrics.spread(rows),
                metrics.channelSpread(),
                groups);
    }

    /** Mean over the groups of max^2 / mean square; 0 where all weights are 0. */
    static double squaredCrest(float[] w, int in, int size) {
        double sum = 0;
        long groups = 0;
        for (int row = 0; row < w.length; row += in) {
            for (int from = 0; from < in; from += size) {
                int to = Math.min(in, from + size);
                double squares = 0;
                float largest = 0;
                for (int j = row + from; j < row + to; j++) {
                    squares += (double) w[j] * w[j];
                    largest = Math.max(largest, Math.abs(w[j]));
                }
                if (largest > 0) {
                    sum += (double) largest * largest * (to - from) / squares;
                    groups++;
                }
            }
        }
        return groups == 0 ? 0 : sum / groups;
    }
}
