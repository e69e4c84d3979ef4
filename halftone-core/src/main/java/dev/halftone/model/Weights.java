package dev.halftone.model;

import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.MemorySegment;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Decoded float32 memory as a tensor of the compute type. */
public final class Weights {
    private Weights() {}

    /** @param decoded float32, row-major; must outlive the tensor */
    public static Tensor of(MemorySegment decoded, long[] shape, ComputeType type) {
        return switch (type) {
            case FLOAT32 -> Tensors.over(decoded, ScalarType.Float, shape);
            case BFLOAT16 ->
                Torch.scoped(
                        () -> Tensors.over(decoded, ScalarType.Float, shape).to(ScalarType.BFloat16));
        };
    }
}
