package dev.halftone.model;

import dev.halftone.tensor.ComputeType;
import java.lang.foreign.Arena;
import org.bytedeco.pytorch.Tensor;

/** Where a model's weights come from: a plain checkpoint, or a packed one that is decoded on the way. */
public interface WeightSource {
    /** True if there is a tensor of that Hugging Face name. */
    boolean has(String name);

    /** Row-major shape. */
    long[] shape(String name);

    /**
     * The tensor in the compute type. Its memory belongs to the arena (or to the mapped file): it must not be used after either
     * is closed.
     */
    Tensor load(String name, ComputeType type, Arena arena);
}
