package dev.halftone.reconstruct;

import dev.halftone.format.ScalableWeight.Scaled;
import dev.halftone.model.WeightSource;
import dev.halftone.model.Weights;
import dev.halftone.tensor.ComputeType;
import java.lang.foreign.Arena;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** A packed model's weights, some of them with the scales that they have in training. */
record ScaledWeights(WeightSource packed, Map<String, TrainedScales> trained) implements WeightSource {
    @Override
    public boolean has(String name) {
        return packed.has(name);
    }

    @Override
    public long[] shape(String name) {
        return packed.shape(name);
    }

    @Override
    public boolean packed(String name) {
        return packed.packed(name);
    }

    @Override
    public long storedBytes(String name) {
        return packed.storedBytes(name);
    }

    @Override
    public String storedType(String name) {
        return packed.storedType(name);
    }

    @Override
    public Tensor load(String name, ComputeType type, Arena arena) {
        TrainedScales scales = trained.get(name);
        if (scales == null) {
            return packed.load(name, type, arena);
        }
        Scaled now = scales.now();
        return Weights.of(scales.out(), scales.in(), type, arena, now::decodeRow);
    }
}
