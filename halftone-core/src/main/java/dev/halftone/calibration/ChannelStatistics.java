package dev.halftone.calibration;

import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Workers;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What transforms ask of a site's channels.
 *
 * @param absMax largest magnitude of each channel
 * @param absMean mean magnitude of each channel
 */
public record ChannelStatistics(double[] absMax, double[] absMean) {
    private static final int TOKENS = 4096;

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

    /** Of stored activations (tokens, channels); sums in float64, in the order of the tokens. */
    public static ChannelStatistics of(Activations activations, Workers workers) {
        int pieces = Math.toIntExact(Math.ceilDiv(activations.rows(), TOKENS));
        double[][] most = new double[pieces][];
        double[][] sums = new double[pieces][];
        workers.forEach(pieces, piece -> {
            long from = (long) piece * TOKENS;
            Tensor magnitude = activations
                    .view(from, Math.min(activations.rows(), from + TOKENS))
                    .abs();
            most[piece] = Tensors.doubles(magnitude.amax(new long[] {0}, false));
            sums[piece] = Tensors.doubles(magnitude.to(ScalarType.Double).sum(0));
        });
        double[] absMax = new double[activations.columns()];
        double[] absMean = new double[activations.columns()];
        for (int piece = 0; piece < pieces; piece++) {
            for (int c = 0; c < absMax.length; c++) {
                absMax[c] = Math.max(absMax[c], most[piece][c]);
                absMean[c] += sums[piece][c] / activations.rows();
            }
        }
        return new ChannelStatistics(absMax, absMean);
    }
}
