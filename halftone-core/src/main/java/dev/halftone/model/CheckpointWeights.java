package dev.halftone.model;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import java.lang.foreign.Arena;
import org.bytedeco.pytorch.Tensor;

/**
 * The weights of a plain checkpoint. A tensor stored in the compute type is used where it is mapped, without a copy; others are
 * decoded to float32 first.
 */
public final class CheckpointWeights implements WeightSource {
    private final Checkpoint checkpoint;

    public CheckpointWeights(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    @Override
    public boolean has(String name) {
        return checkpoint.names().contains(name);
    }

    @Override
    public long[] shape(String name) {
        return checkpoint.tensor(name).shape();
    }

    @Override
    public long storedBytes(String name) {
        return checkpoint.tensor(name).byteSize();
    }

    @Override
    public String storedType(String name) {
        return checkpoint.tensor(name).type();
    }

    @Override
    public Tensor load(String name, ComputeType type, Arena arena) {
        StoredTensor stored = checkpoint.tensor(name);
        boolean same = stored.type().equals(type == ComputeType.FLOAT32 ? "F32" : "BF16");
        if (same && !stored.mustDecode()) {
            return Tensors.over(stored.bytes(), type.scalarType(), stored.shape());
        }
        return Weights.of(stored.shape(), type, arena, memory -> {
            stored.decode(0, stored.rows(), memory);
            stored.release();
        });
    }
}
