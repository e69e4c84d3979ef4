package dev.halftone.reconstruct;

import dev.halftone.model.WeightSource;
import dev.halftone.tensor.ComputeType;
import java.lang.foreign.Arena;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** A block's weights of which some are leaves that gradients arrive in. */
record TrialWeights(WeightSource source, Map<String, Tensor> leaves) implements WeightSource {
    @Override
    public boolean has(String name) {
        return source.has(name);
    }

    @Override
    public long[] shape(String name) {
        Tensor leaf = leaves.get(name);
        return leaf == null ? source.shape(name) : leaf.shape();
    }

    /** A leaf is (out, in), as a packed weight is. */
    @Override
    public boolean packed(String name) {
        return leaves.containsKey(name) || source.packed(name);
    }

    @Override
    public long storedBytes(String name) {
        return source.storedBytes(name);
    }

    @Override
    public String storedType(String name) {
        return source.storedType(name);
    }

    /** Of a leaf a second handle, since a block closes what it loads; or a copy where the type is another one. */
    @Override
    public Tensor load(String name, ComputeType type, Arena arena) {
        Tensor leaf = leaves.get(name);
        if (leaf == null) {
            return source.load(name, type, arena);
        }
        return leaf.scalar_type().intern() == type.scalarType() ? new Tensor(leaf) : leaf.to(type.scalarType());
    }
}
