package dev.halftone.transform;

import dev.halftone.calibration.ChannelStatistics;
import dev.halftone.calibration.Gram;
import dev.halftone.model.Junction;
import java.util.List;

/** What a method may look at to scale a junction's channels: all of the full-precision model, as far as it is transformed yet. */
public interface JunctionView {
    Junction junction();

    /** W (out, in) of the readers, row-major. */
    List<float[]> weights();

    /** Of the input. */
    ChannelStatistics statistics();

    /** H of the input; computed when it is first asked for. */
    Gram gram();

    /** True if the recipe quantizes the weight of some reader. */
    boolean quantized();

    /**
     * A reader's weight rounded to nearest in the format that the recipe stores it in; as it is where it is not quantized.
     *
     * @param reader its number
     * @param weight (out, in)
     */
    float[] rounded(int reader, float[] weight);

    /**
     * Sum over readers of tr(D H D^T) / out, D the difference of these weights and {@link #weights}: the mean squared error of
     * their outputs, added up.
     */
    double outputError(List<float[]> weights);

    /**
     * Mean squared error of what the attention or the MLP behind the junction adds to the residual stream, if the readers had
     * these weights: only for the inputs of either.
     */
    double moduleError(List<float[]> weights);
}
