package dev.halftone.training;

import dev.halftone.model.WeightSource;
import dev.halftone.tensor.ComputeType;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Tensors of the trainer as a model's weights: gradients arrive in them. */
final class LeafWeights implements WeightSource {
    private final Map<String, Tensor> leaves = new HashMap<>();
    private final Map<String, long[]> shapes = new HashMap<>();

    LeafWeights(Parameters parameters, List<Tensor> tensors) {
        for (int i = 0; i < tensors.size(); i++) {
            String name = parameters.places().get(i).tensor().name();
            leaves.put(name, tensors.get(i));
            shapes.put(name, parameters.places().get(i).tensor().shape());
        }
    }

    private Tensor leaf(String name) {
        Tensor leaf = leaves.get(name);
        if (leaf == null) {
            throw new IllegalArgumentException("no parameter " + name);
        }
        return leaf;
    }

    @Override
    public boolean has(String name) {
        return leaves.containsKey(name);
    }

    @Override
    public long[] shape(String name) {
        return java.util.Objects.requireNonNull(shapes.get(name), name).clone();
    }

    @Override
    public long storedBytes(String name) {
        return leaf(name).numel() * Float.BYTES;
    }

    @Override
    public String storedType(String name) {
        return "F32";
    }

    /** A second handle on the leaf: a block closes what it loads. */
    @Override
    public Tensor load(String name, ComputeType type, Arena arena) {
        return new Tensor(leaf(name));
    }
}
