package dev.halftone.transform;

import dev.halftone.model.Junction;
import dev.halftone.model.Junction.LinearOutput;
import dev.halftone.model.Junction.NormOutput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The scale search of AWQ (arXiv:2306.00978): s = mean|x|^alpha, normalized to max s * min s = 1, with the alpha of a grid whose
 * rounded weights change the output least. alpha = 0, rounding to nearest as it is, is one of the candidates. Channels that
 * calibration never saw move keep s = 1.
 *
 * @param grid candidates alpha = k / grid for k = 0 .. grid - 1, as the authors' code has it
 * @param includeOne alpha = 1 is a candidate too, as the paper has it
 * @param inspect where the change is measured
 */
public record AwqScale(int grid, boolean includeOne, Inspect inspect) implements ChannelScaling {
    private static final double SMALLEST = 1e-4;

    /** Whose output is compared. */
    public enum Inspect {
        /** The whole attention, and the whole gated MLP, at their inputs; the linears themselves elsewhere: the authors' choice. */
        MODULE,
        /** The linears that read the channels, everywhere; needs no forward passes. */
        LINEAR
    }

    @Override
    public String name() {
        return "awq";
    }

    /** Not what heads share: there the authors skip it too. */
    @Override
    public boolean handles(Junction junction) {
        return !(junction.producer() instanceof LinearOutput(var _, int[] rows))
                || Arrays.stream(rows).distinct().count() == rows.length;
    }

    @Override
    public Optional<String> refusal(Junction junction) {
        return handles(junction) ? Optional.empty() : Optional.of("several query heads read one value head");
    }

    @Override
    public Optional<double[]> scales(JunctionView view) {
        if (!view.quantized()) {
            return Optional.empty();
        }
        Junction junction = view.junction();
        // One reader behind a norm is a plain MLP's first linear, or a fused projection into the attention.
        boolean module = inspect == Inspect.MODULE
                && junction.producer() instanceof NormOutput
                && (junction.stage() == 0 || junction.readers().size() > 1);
        double[] mean = view.statistics().absMean();
        double[] best = {};
        double least = Double.POSITIVE_INFINITY;
        for (int k = 0; k < (includeOne ? grid + 1 : grid); k++) {
            double[] s = candidate(mean, (double) k / grid);
            List<float[]> tried = new ArrayList<>();
            for (int reader = 0; reader < view.weights().size(); reader++) {
                float[] weight = view.weights().get(reader);
                tried.add(scaled(view.rounded(reader, scaled(weight, s, false)), s, true));
            }
            double error = module ? view.moduleError(tried) : view.outputError(tried);
            if (error < least) {
                least = error;
                best = s;
            }
        }
        return Arrays.stream(best).allMatch(scale -> scale == 1) ? Optional.empty() : Optional.of(best);
    }

    /** s for one alpha. */
    static double[] candidate(double[] mean, double alpha) {
        double[] s = new double[mean.length];
        double most = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int c = 0; c < s.length; c++) {
            s[c] = Math.max(Math.pow(mean[c], alpha), SMALLEST);
            if (mean[c] > 0) {
                most = Math.max(most, s[c]);
                least = Math.min(least, s[c]);
            }
        }
        double middle = Math.sqrt(most * least);
        for (int c = 0; c < s.length; c++) {
            s[c] = mean[c] > 0 ? s[c] / middle : 1;
        }
        return s;
    }

    private static float[] scaled(float[] weight, double[] s, boolean divide) {
        float[] result = new float[weight.length];
        for (int row = 0; row < result.length; row += s.length) {
            for (int c = 0; c < s.length; c++) {
                result[row + c] = (float) (divide ? weight[row + c] / s[c] : weight[row + c] * s[c]);
            }
        }
        return result;
    }
}
