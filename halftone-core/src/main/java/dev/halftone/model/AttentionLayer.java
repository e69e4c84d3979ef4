package dev.halftone.model;

import dev.halftone.model.DecoderSpec.Attention;
import dev.halftone.model.DecoderSpec.HeadNorm;
import dev.halftone.model.DecoderSpec.Projection;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** What lies between a block's projections and its output projection: causal attention within each sequence. */
final class AttentionLayer {
    private final DecoderSpec spec;
    private final Attention attention;
    private final int index;
    private final String prefix;
    private final Compute compute;
    private final Function<String, Tensor> tensors;

    /** @param tensors the block's tensors by name */
    AttentionLayer(DecoderSpec spec, int index, Compute compute, Function<String, Tensor> tensors) {
        this.spec = spec;
        this.attention = spec.attention();
        this.index = index;
        this.prefix = spec.blockName(index) + ".";
        this.compute = compute;
        this.tensors = tensors;
    }

    /** The tensors of the norms of queries and keys. */
    static List<Decoder.Expected> norms(DecoderSpec spec, int index) {
        Attention a = spec.attention();
        String prefix = spec.blockName(index) + ".";
        List<Decoder.Expected> all = new ArrayList<>();
        if (a.headNorm() != HeadNorm.NONE) {
            names(spec.names().queryNorm(), a.heads())
                    .forEach(name -> all.add(
                            norm(prefix + name, a, name.equals(spec.names().queryNorm()), a.heads())));
            names(spec.names().keyNorm(), a.kvHeads())
                    .forEach(name -> all.add(
                            norm(prefix + name, a, name.equals(spec.names().keyNorm()), a.kvHeads())));
        }
        return all;
    }

    private static Decoder.Expected norm(String name, Attention a, boolean common, int heads) {
        long dim = a.headDim();
        return switch (a.headNorm()) {
            case LAYER ->
                common
                        ? new Decoder.Expected(name + ".weight", heads, dim)
                        : new Decoder.Expected(name + ".weight", dim);
            case WHOLE -> new Decoder.Expected(name + ".weight", heads * dim);
            case RMS, NONE -> new Decoder.Expected(name + ".weight", dim);
        };
    }

    /** One name, or one for each head. */
    private static List<String> names(String name, int heads) {
        return name.contains("%d")
                ? IntStream.range(0, heads).mapToObj(name::formatted).toList()
                : List.of(name);
    }

    /** Outputs of the projections (tokens, their rows) to the output projection's input (tokens, heads * headDim). */
    Tensor of(Tensor[] projected, Pass pass, CacheRounding cache, SiteObserver observer) {
        Attention a = attention;
        Tensor[] qkv = a.projection() == Projection.SEPARATE ? projected : split(projected[0]);
        long tokens = qkv[0].size(0);
        if (a.headNorm() == HeadNorm.WHOLE) {
            qkv = new Tensor[] {
                rms(qkv[0], spec.names().queryNorm(), a.queryWidth()),
                rms(qkv[1], spec.names().keyNorm(), a.keyWidth()),
                qkv[2]
            };
        }
        if (a.clip() > 0) {
            qkv = each(
                    qkv,
                    x -> x.clamp(
                            new ScalarOptional(Tensors.scalar(-a.clip())),
                            new ScalarOptional(Tensors.scalar(a.clip()))));
        }
        Tensor q = heads(qkv[0], a.heads(), pass.sequences());
        Tensor k = heads(qkv[1], a.kvHeads(), pass.sequences());
        Tensor v = heads(qkv[2], a.kvHeads(), pass.sequences());
        observer.observe(prefix + "attention.q", q);
        observer.observe(prefix + "attention.k", k);
        observer.observe(prefix + "attention.v", v);
        q = pass.turn(index, headNorm(q, spec.names().queryNorm(), a.heads()));
        k = pass.turn(
                index,
                cache.round(prefix + "attention.k", headNorm(k, spec.names().keyNorm(), a.kvHeads())));
        observer.observe(prefix + "attention.q_rope", q);
        observer.observe(prefix + "attention.k_rope", k);
        KeyValueCache.Entry seen = pass.remember(
                index, cache.round(prefix + "attention.k_rope", k), cache.round(prefix + "attention.v", v));
        Tensor out = weighted(q, seen, pass, observer);
        return out.reshape(pass.sequences(), a.heads(), out.size(1), a.headDim())
                .transpose(1, 2)
                .reshape(tokens, a.queryWidth())
                .to(compute.type().scalarType());
    }

    private static Tensor[] each(Tensor[] tensors, UnaryOperator<Tensor> change) {
        Tensor[] changed = new Tensor[tensors.length];
        for (int i = 0; i < changed.length; i++) {
            changed[i] = change.apply(tensors[i]);
        }
        return changed;
    }

    /** q, k and v of one linear's output. */
    private Tensor[] split(Tensor all) {
        Attention a = attention;
        if (a.projection() == Projection.STACKED) {
            int keys = a.queryWidth();
            int values = keys + a.keyWidth();
            return new Tensor[] {
                Tensors.slice(all, 1, 0, keys),
                Tensors.slice(all, 1, keys, values),
                Tensors.slice(all, 1, values, values + a.keyWidth())
            };
        }
        long tokens = all.size(0);
        int share = a.share();
        Tensor groups = all.view(tokens, a.kvHeads(), share + 2, a.headDim());
        return new Tensor[] {
            Tensors.slice(groups, 2, 0, share).reshape(tokens, a.queryWidth()),
            Tensors.slice(groups, 2, share, share + 1).reshape(tokens, a.keyWidth()),
            Tensors.slice(groups, 2, share + 1, share + 2).reshape(tokens, a.keyWidth())
        };
    }

    /** Means of values, (heads, tokens, headDim). */
    private Tensor weighted(Tensor q, KeyValueCache.Entry seen, Pass pass, SiteObserver observer) {
        boolean plain = attention.softcap() == 0 && pass.alibi(index) == null;
        boolean triangle = pass.triangle(index) && q.size(1) > 1;
        Tensor shown = observer.probabilities() || (!plain && !triangle)
                ? probabilities(q, shareHeads(seen.keys()).squeeze(0), pass)
                : null;
        if (shown != null && observer.probabilities()) {
            observer.observe(prefix + "attention.probabilities", shown);
        }
        if (triangle) {
            return CausalAttention.of(
                    q, seen.keys(), seen.values(), attention.scale(), attention.softcap(), pass.alibi(index));
        }
        return shown != null && !plain
                ? shown.matmul(shareHeads(seen.values()).squeeze(0).to(torch.ScalarType.Float))
                : fused(q, shareHeads(seen.keys()), shareHeads(seen.values()), pass.mask(index));
    }

    /** In float32 too: the fused kernel has no fast bfloat16 products without MKL. */
    private Tensor fused(Tensor q, Tensor keys, Tensor values, @Nullable Tensor mask) {
        return torch.scaled_dot_product_attention(
                        q.unsqueeze(0).to(torch.ScalarType.Float),
                        keys.to(torch.ScalarType.Float),
                        values.to(torch.ScalarType.Float),
                        mask == null ? new TensorOptional() : new TensorOptional(mask),
                        0.0,
                        false,
                        new DoubleOptional(attention.scale()),
                        false)
                .squeeze(0);
    }

    /** Softmax of the scores, (heads, queries, keys), written out: the fused kernel neither shows nor caps it. */
    private Tensor probabilities(Tensor q, Tensor keys, Pass pass) {
        Tensor scores = q.matmul(keys.transpose(1, 2))
                .mul(Tensors.scalar(attention.scale()))
                .to(torch.ScalarType.Float);
        if (attention.softcap() > 0) {
            scores = CausalAttention.capped(scores, attention.softcap());
        }
        Tensor added = pass.alibi(index);
        if (added != null) {
            scores = scores.add(added);
        }
        Tensor mask = pass.mask(index);
        Tensor hidden = mask != null
                ? mask.logical_not()
                : pass.triangle(index)
                        ? torch.ones_like(scores).triu(1).to(torch.ScalarType.Bool)
                        : torch.zeros_like(scores).to(torch.ScalarType.Bool);
        return scores.masked_fill(hidden, Tensors.scalar(Double.NEGATIVE_INFINITY))
                .softmax(2);
    }

    /** (sequences * tokens, n * headDim) to (sequences * n, tokens, headDim): to attention, sequences are further heads. */
    private Tensor heads(Tensor projected, int n, int sequences) {
        long tokens = projected.size(0) / sequences;
        int headDim = attention.headDim();
        return projected
                .reshape(sequences, tokens, n, headDim)
                .transpose(1, 2)
                .reshape((long) sequences * n, tokens, headDim);
    }

    /** x (sequences * heads, tokens, headDim) with each head normed. */
    private Tensor headNorm(Tensor x, String name, int heads) {
        return switch (attention.headNorm()) {
            case NONE, WHOLE -> x;
            case RMS -> rms(x, name, attention.headDim());
            case LAYER -> {
                Tensor normed = torch.layer_norm(
                        x,
                        new long[] {attention.headDim()},
                        new TensorOptional(),
                        new TensorOptional(),
                        spec.norm().eps(),
                        false);
                Tensor gains = gains(name, heads).unsqueeze(1);
                long sequences = x.size(0) / heads;
                yield normed.mul(sequences == 1 ? gains : gains.repeat(new long[] {sequences, 1, 1}));
            }
        };
    }

    /** (heads, headDim). */
    private Tensor gains(String name, int heads) {
        List<String> names = names(name, heads);
        if (names.size() == 1) {
            return tensor(names.getFirst()).view(heads, attention.headDim());
        }
        TensorVector rows = new TensorVector();
        names.forEach(each -> rows.push_back(tensor(each).view(1, attention.headDim())));
        return torch.cat(rows, 0);
    }

    private Tensor rms(Tensor x, String name, long width) {
        return torch.rms_norm(
                x,
                new long[] {width},
                new TensorOptional(tensor(name)),
                new DoubleOptional(spec.norm().eps()));
    }

    private Tensor tensor(String name) {
        return tensors.apply(prefix + name + ".weight");
    }

    /** (kvHeads, tokens, headDim) to (1, heads, tokens, headDim), each repeated for the query heads that share it. */
    private Tensor shareHeads(Tensor x) {
        int share = attention.share();
        return share == 1
                ? x.unsqueeze(0)
                : x.unsqueeze(1)
                        .expand(x.size(0), share, x.size(1), attention.headDim())
                        .reshape(1, x.size(0) * share, x.size(1), attention.headDim());
    }
}
