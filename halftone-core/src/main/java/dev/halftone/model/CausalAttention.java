package dev.halftone.model;

import dev.halftone.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Attention where query i sees exactly the keys 0 to i, in float32. Blocks of queries meet only the keys that one of them may
 * see, and query heads that share a key head are one product: without MKL this takes two thirds of the fused kernel's time.
 */
final class CausalAttention {
    /** Queries at a time: fewer waste less on hidden keys, more make better products. */
    private static final int BLOCK = 128;

    private CausalAttention() {}

    /**
     * Softmax(cap(scale q k^T) + added) v.
     *
     * @param q (heads, tokens, headDim)
     * @param k (kvHeads, tokens, headDim); head h reads key head h / (heads / kvHeads)
     * @param v as k
     * @param softcap as in {@link DecoderSpec.Attention}
     * @param added (heads, 1, tokens)
     * @return (heads, tokens, headDim), float32
     */
    static Tensor of(Tensor q, Tensor k, Tensor v, double scale, double softcap, @Nullable Tensor added) {
        long heads = q.size(0);
        long tokens = q.size(1);
        long dim = q.size(2);
        long kvHeads = k.size(0);
        long share = heads / kvHeads;
        Tensor queries = q.to(ScalarType.Float).mul(Tensors.scalar(scale)).view(kvHeads, share, tokens, dim);
        Tensor keys = k.to(ScalarType.Float).transpose(1, 2).contiguous();
        Tensor values = v.to(ScalarType.Float).contiguous();
        Tensor out = torch.empty(new long[] {kvHeads, share, tokens, dim}, queries.options(), null);
        Tensor later = later(Math.min(BLOCK, tokens), queries.options());
        for (long from = 0; from < tokens; from += BLOCK) {
            long to = Math.min(tokens, from + BLOCK);
            long rows = to - from;
            Tensor block = Tensors.slice(queries, 2, from, to).reshape(kvHeads, share * rows, dim);
            Tensor scores = block.matmul(Tensors.slice(keys, 2, 0, to));
            if (softcap > 0) {
                scores = capped(scores, softcap);
            }
            if (added != null) {
                Tensor seen = Tensors.slice(added.view(kvHeads, share, 1, tokens), 3, 0, to);
                scores = scores.view(kvHeads, share, rows, to).add(seen).view(kvHeads, share * rows, to);
            }
            Tensor diagonal = Tensors.slice(scores.view(kvHeads, share, rows, to), 3, from, to);
            diagonal.add_(Tensors.slice(Tensors.slice(later, 0, 0, rows), 1, 0, rows));
            Tensor mean = scores.softmax(2).matmul(Tensors.slice(values, 1, 0, to));
            Tensors.slice(out, 2, from, to).copy_(mean.view(kvHeads, share, rows, dim));
        }
        return out.view(heads, tokens, dim);
    }

    /** c tanh(x / c). */
    static Tensor capped(Tensor x, double c) {
        return x.div(Tensors.scalar(c)).tanh().mul(Tensors.scalar(c));
    }

    /** (n, n): minus infinity above the diagonal, else 0. */
    private static Tensor later(long n, TensorOptions options) {
        return torch.full(new long[] {n, n}, Tensors.scalar(Double.NEGATIVE_INFINITY), options)
                .triu_(1);
    }
}
