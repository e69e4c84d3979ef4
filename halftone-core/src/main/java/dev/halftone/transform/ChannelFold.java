package dev.halftone.transform;

import dev.halftone.model.EditedWeights;
import dev.halftone.model.Junction;
import dev.halftone.model.Junction.LinearOutput;
import dev.halftone.model.Junction.NormOutput;
import dev.halftone.model.Junction.Opaque;
import dev.halftone.model.LinearSite;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;

/**
 * x' = x / s at a junction: the readers' columns are multiplied by s, and what makes x is divided by it. In float64, rounded
 * once to float32.
 */
public final class ChannelFold {
    private ChannelFold() {}

    /**
     * Changes the weights.
     *
     * @param s (channels), positive; one value where channels share a row of the producer
     * @return false if nothing could absorb the division: then x has to be divided while the model runs
     * @throws IllegalArgumentException for an s that cannot be folded
     */
    public static boolean apply(Junction junction, double[] s, EditedWeights weights) {
        check(junction, s);
        switch (junction.producer()) {
            case NormOutput(String norm, double offset) -> {
                weights.set(norm + ".weight", divided(vector(norm + ".weight", weights), s, offset));
                if (weights.has(norm + ".bias")) {
                    weights.set(norm + ".bias", divided(vector(norm + ".bias", weights), s, 0));
                }
            }
            case LinearOutput(LinearSite site, int[] rows) -> {
                float[] values = matrix(site, weights);
                float[] bias = site.bias() ? vector(site.biasName(), weights) : new float[0];
                boolean[] done = new boolean[site.out()];
                for (int c = 0; c < s.length; c++) {
                    int row = rows[c];
                    if (!done[row]) {
                        done[row] = true;
                        for (int i = row * site.in(); i < (row + 1) * site.in(); i++) {
                            values[i] = (float) (values[i] / s[c]);
                        }
                        if (site.bias()) {
                            bias[row] = (float) (bias[row] / s[c]);
                        }
                    }
                }
                weights.set(site, values);
                if (site.bias()) {
                    weights.set(site.biasName(), bias);
                }
            }
            case Opaque _ -> {}
        }
        for (LinearSite reader : junction.readers()) {
            float[] values = matrix(reader, weights);
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (values[i] * s[i % s.length]);
            }
            weights.set(reader, values);
        }
        return !(junction.producer() instanceof Opaque);
    }

    private static void check(Junction junction, double[] s) {
        if (s.length != junction.width()) {
            throw new IllegalArgumentException(s.length + " scales for " + junction.width() + " channels");
        }
        for (double scale : s) {
            if (!(scale > 0) || Double.isInfinite(scale)) {
                throw new IllegalArgumentException("scale " + scale + " at " + junction.name());
            }
        }
        if (junction.producer() instanceof LinearOutput(LinearSite site, int[] rows)) {
            double[] ofRow = new double[site.out()];
            for (int c = 0; c < s.length; c++) {
                if (ofRow[rows[c]] != 0 && ofRow[rows[c]] != s[c]) {
                    throw new IllegalArgumentException("different scales for row " + rows[c] + " of " + site.weight());
                }
                ofRow[rows[c]] = s[c];
            }
        }
    }

    /** What counts is the value plus the offset. */
    private static float[] divided(float[] values, double[] s, double offset) {
        float[] result = new float[values.length];
        for (int c = 0; c < s.length; c++) {
            result[c] = (float) ((values[c] + offset) / s[c] - offset);
        }
        return result;
    }

    /** W (out, in) as it is now, in float32. */
    public static float[] matrix(LinearSite site, EditedWeights weights) {
        try (Arena arena = Arena.ofConfined()) {
            return floats(() -> site.load(weights, ComputeType.FLOAT32, arena));
        }
    }

    private static float[] vector(String name, EditedWeights weights) {
        try (Arena arena = Arena.ofConfined()) {
            return floats(() -> weights.load(name, ComputeType.FLOAT32, arena));
        }
    }

    private static float[] floats(Supplier<Tensor> tensor) {
        float[][] values = new float[1][];
        Torch.inScope(() -> values[0] = Tensors.floats(tensor.get()));
        return values[0];
    }
}
