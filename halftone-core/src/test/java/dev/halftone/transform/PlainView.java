package dev.halftone.transform;

import dev.halftone.calibration.ChannelStatistics;
import dev.halftone.calibration.Gram;
import dev.halftone.model.Junction;
import java.util.List;

/** A junction without a model behind it. */
record PlainView(Junction junction, List<float[]> weights, ChannelStatistics statistics) implements JunctionView {
    @Override
    public Gram gram() {
        throw new AssertionError("not asked for");
    }

    @Override
    public boolean quantized() {
        return true;
    }

    @Override
    public float[] rounded(int reader, float[] weight) {
        throw new AssertionError("not asked for");
    }

    @Override
    public double outputError(List<float[]> weights) {
        throw new AssertionError("not asked for");
    }

    @Override
    public double moduleError(List<float[]> weights) {
        throw new AssertionError("not asked for");
    }
}
