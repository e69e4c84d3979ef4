package dev.halftone.calibration;

import dev.halftone.statistics.ChannelSums;

/**
 * What transforms ask of a site's channels.
 *
 * @param absMax largest magnitude of each channel
 * @param absMean mean magnitude of each channel
 */
public record ChannelStatistics(double[] absMax, double[] absMean) {
    /** The same of x / s. */
    public ChannelStatistics dividedBy(double[] s) {
        double[] most = absMax.clone();
        double[] mean = absMean.clone();
        for (int c = 0; c < s.length; c++) {
            most[c] /= s[c];
            mean[c] /= s[c];
        }
        return new ChannelStatistics(most, mean);
    }

    /**
     * Of sums over that many tokens.
     *
     * @param tokens at least 1
     */
    public static ChannelStatistics of(ChannelSums sums, long tokens) {
        double[] absMax = new double[sums.channels()];
        double[] absMean = new double[sums.channels()];
        for (int c = 0; c < absMax.length; c++) {
            absMax[c] = Math.max(Math.abs(sums.low(c)), Math.abs(sums.high(c)));
            absMean[c] = sums.sumAbs(c) / tokens;
        }
        return new ChannelStatistics(absMax, absMean);
    }
}
