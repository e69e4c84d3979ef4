package dev.halftone.model;

import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** cos and sin of all angles of a sequence, each (tokens, dim), every angle at both dimensions that it turns; shared by all blocks. */
final class RopeTable implements AutoCloseable {
    private final Tensor cos;
    private final Tensor sin;
    private final int dim;
    private final boolean interleaved;

    private RopeTable(Tensor cos, Tensor sin, int dim, boolean interleaved) {
        this.interleaved = interleaved;
        this.cos = cos;
        this.sin = sin;
        this.dim = dim;
    }

    /** @param length of the whole sequence so far, which dynamic scaling depends on */
    static RopeTable of(Rope rope, int[] positions, int length, Compute compute) {
        double[] frequencies = rope.inverseFrequencies(length);
        int half = frequencies.length;
        int tokens = positions.length;
        float[] cos = new float[tokens * half * 2];
        float[] sin = new float[tokens * half * 2];
        for (int p = 0; p < tokens; p++) {
            for (int i = 0; i < half; i++) {
                double angle = positions[p] * frequencies[i];
                int at = p * 2 * half + (rope.interleaved() ? 2 * i : i);
                int partner = rope.interleaved() ? at + 1 : at + half;
                cos[at] = (float) (Math.cos(angle) * rope.attention());
                sin[at] = (float) (Math.sin(angle) * rope.attention());
                cos[partner] = cos[at];
                sin[partner] = sin[at];
            }
        }
        return new RopeTable(
                Torch.owned(() -> compute.cast(Tensors.of(cos, tokens, 2L * half))),
                Torch.owned(() -> compute.cast(Tensors.of(sin, tokens, 2L * half))),
                2 * half,
                rope.interleaved());
    }

    /** x (heads, tokens, headDim) turned; dimensions from dim on pass through. */
    Tensor apply(Tensor x) {
        long headDim = x.size(2);
        Tensor turned = headDim == dim ? x : Tensors.slice(x, 2, 0, dim);
        Tensor result = turned.mul(cos).add(swapped(turned).mul(sin));
        return headDim == dim ? result : torch.cat(new TensorVector(result, Tensors.slice(x, 2, dim, headDim)), 2);
    }

    /** Each dimension's partner, negative in the first place. */
    private Tensor swapped(Tensor x) {
        if (interleaved) {
            Tensor pairs = x.reshape(x.size(0), x.size(1), dim / 2, 2);
            Tensor first = Tensors.slice(pairs, 3, 0, 1);
            Tensor second = Tensors.slice(pairs, 3, 1, 2);
            return torch.cat(new TensorVector(second.neg(), first), 3).reshape(x.size(0), x.size(1), dim);
        }
        Tensor first = Tensors.slice(x, 2, 0, dim / 2);
        Tensor second = Tensors.slice(x, 2, dim / 2, dim);
        return torch.cat(new TensorVector(second.neg(), first), 2);
    }

    @Override
    public void close() {
        cos.close();
        sin.close();
    }
}
