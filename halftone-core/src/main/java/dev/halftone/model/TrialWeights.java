package dev.halftone.model;

import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A block's weights of which some are leaves that gradients arrive in.
 *
 * @param leaves (out, in) each, float32 or the compute type, by the weight's name
 */
public record TrialWeights(WeightSource source, Map<String, Tensor> leaves) implements WeightSource {
    /**
     * The gradient that has come to a leaf: none to an expert that no token of the sequence went to. A handle of its own, as libtorch
     * shows the leaf's; the caller closes it.
     */
    public static Tensor gradient(Tensor leaf) {
        return Torch.owned(() -> {
            Tensor slope = leaf.grad();
            return slope.defined() ? new Tensor(slope) : torch.zeros_like(leaf.detach());
        });
    }

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
