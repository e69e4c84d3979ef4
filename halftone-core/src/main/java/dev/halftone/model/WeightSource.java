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

    /** True if the tensor is a packed weight, which is (out, in) whatever the family's own layout. */
    default boolean packed(String name) {
        return false;
    }

    /** Bytes that the tensor takes in its file, scales and the like included. */
    long storedBytes(String name);

    /** How the tensor is stored: "F32", "Q4_1", "int3 g64 asymmetric"... */
    String storedType(String name);

    /**
     * The tensor in the compute type. Its memory belongs to the arena (or to the mapped file): it must not be used after either
     * is closed.
     */
    Tensor load(String name, ComputeType type, Arena arena);
}
