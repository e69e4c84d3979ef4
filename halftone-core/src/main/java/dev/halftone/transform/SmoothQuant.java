package dev.halftone.transform;

import dev.halftone.calibration.ChannelStatistics;
import dev.halftone.model.Junction;
import java.util.Optional;

/**
 * SmoothQuant (arXiv:2211.10438): s_c = max|x_c|^alpha / max|W_c|^(1 - alpha), W_c the column of all linears that read the norm.
 * Channels that calibration never saw move are left alone.
 *
 * @param alpha share of the range that moves from the activations to the weights, 0 to 1
 */
public record SmoothQuant(double alpha) implements ChannelScaling {
    /** Of a weight column's maximum, and of s: as the authors' code has it. */
    private static final double SMALLEST = 1e-5;

    @Override
    public String name() {
        return "smoothquant";
    }

    /** Only what a norm makes, as in the paper: the inputs of the output and down projections stay. */
    @Override
    public boolean handles(Junction junction) {
        return junction.producer() instanceof Junction.NormOutput;
    }

    @Override
    public Optional<String> refusal(Junction junction) {
        return (junction.stage() == 0 || junction.stage() == 2)
                        && junction.producer() instanceof Junction.Opaque(String reason)
                ? Optional.of(reason)
                : Optional.empty();
    }

    @Override
    public Optional<double[]> scales(JunctionView view) {
        ChannelStatistics statistics = view.statistics();
        double[] columns = new double[view.junction().width()];
        for (float[] weight : view.weights()) {
            for (int i = 0; i < weight.length; i++) {
                int c = i % columns.length;
                columns[c] = Math.max(columns[c], Math.abs(weight[i]));
            }
        }
        double[] s = new double[columns.length];
        for (int c = 0; c < s.length; c++) {
            double x = statistics.absMax()[c];
            double w = Math.max(columns[c], SMALLEST);
            s[c] = x == 0 ? 1 : Math.max(Math.pow(x, alpha) / Math.pow(w, 1 - alpha), SMALLEST);
        }
        return Optional.of(s);
    }
}
