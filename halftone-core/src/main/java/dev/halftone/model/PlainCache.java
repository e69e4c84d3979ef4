package dev.halftone.model;

import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/** Keys and values as they are, in memory set aside for a number of tokens. */
public final class PlainCache implements KeyValueCache {
    private final int capacity;
    private final List<Tensor> keys = new ArrayList<>();
    private final List<Tensor> values = new ArrayList<>();
    private int length;

    /** @param capacity most tokens that will ever be stored */
    public PlainCache(DecoderSpec spec, Compute compute, int capacity) {
        this.capacity = capacity;
        long[] shape = {spec.attention().kvHeads(), capacity, spec.attention().headDim()};
        for (int i = 0; i < spec.layers(); i++) {
            keys.add(Torch.owned(() -> compute.place(
                    torch.empty(shape, new TensorOptions(compute.type().scalarType()), null))));
            values.add(Torch.owned(() -> compute.place(
                    torch.empty(shape, new TensorOptions(compute.type().scalarType()), null))));
        }
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public Entry append(int block, Tensor newKeys, Tensor newValues) {
        long end = length + newKeys.size(1);
        if (end > capacity) {
            throw new IllegalStateException("cache holds " + capacity + " tokens; " + end + " were to be stored");
        }
        Tensors.slice(keys.get(block), 1, length, end).copy_(newKeys);
        Tensors.slice(values.get(block), 1, length, end).copy_(newValues);
        return new Entry(Tensors.slice(keys.get(block), 1, 0, end), Tensors.slice(values.get(block), 1, 0, end));
    }

    @Override
    public void advance(int tokens) {
        length += tokens;
    }

    /** Forgets the tokens from there on. */
    public void truncate(int tokens) {
        if (tokens < 0 || tokens > length) {
            throw new IllegalArgumentException("cache holds " + length + " tokens, not " + tokens);
        }
        length = tokens;
    }

    @Override
    public void close() {
        keys.forEach(Tensor::close);
        values.forEach(Tensor::close);
    }
}
