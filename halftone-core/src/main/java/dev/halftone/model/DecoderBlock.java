package dev.halftone.model;

import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * One block with its weights, run in stages: a stage is a set of linears with a common input. Between two stages the state of a
 * sequence is the residual stream and the next stage's input, so a quantizer can collect statistics of a stage, replace
 * its weights and go on without running anything twice.
 *
 * <p>Stages: 0 q, k, v; 1 attention output; 2 gate and up, or up alone; 3 down.
 */
public final class DecoderBlock implements AutoCloseable {
    private final DecoderSpec spec;
    private final int index;
    private final String prefix;
    private final List<List<LinearSite>> stages;
    private final Compute compute;
    private LinearInputs inputs = LinearInputs.PLAIN;
    private CacheRounding cache = CacheRounding.PLAIN;
    private final Arena arena = Arena.ofShared();
    private final Map<String, Tensor> weights = new HashMap<>();

    /**
     * A sequence between two stages.
     *
     * @param residual (tokens, hidden)
     * @param input (tokens, width of the next stage's linears); undefined after the last stage
     */
    public record State(Tensor residual, Tensor input) {}

    DecoderBlock(DecoderSpec spec, int index, WeightSource source, Compute compute) {
        this.spec = spec;
        this.index = index;
        this.prefix = spec.blockName(index);
        this.stages = spec.stages(index);
        this.compute = compute;
        for (LinearSite site : sites()) {
            put(site.weight(), () -> site.load(source, compute.type(), arena));
            if (site.bias()) {
                put(site.biasName(), () -> source.load(site.biasName(), compute.type(), arena));
            }
        }
        for (Decoder.Expected tensor : norms(spec, index)) {
            put(tensor.name(), () -> source.load(tensor.name(), compute.type(), arena));
        }
    }

    private void put(String name, Supplier<Tensor> tensor) {
        weights.put(name, Torch.owned(() -> compute.place(tensor.get())));
    }

    /** The tensors of a block's norms. */
    static List<Decoder.Expected> norms(DecoderSpec spec, int index) {
        List<Decoder.Expected> all = new ArrayList<>();
        String prefix = spec.blockName(index) + ".";
        for (String norm : List.of(spec.names().attentionNorm(), spec.names().mlpNorm())) {
            all.addAll(Decoder.norm(prefix + norm, spec));
        }
        if (spec.attention().headNorm()) {
            for (String norm : List.of(spec.names().queryNorm(), spec.names().keyNorm())) {
                all.add(new Decoder.Expected(
                        prefix + norm + ".weight", spec.attention().headDim()));
            }
        }
        return all;
    }

    /** The linears, stage by stage. */
    public List<List<LinearSite>> stages() {
        return stages;
    }

    /** All linears in the order in which they run. */
    public List<LinearSite> sites() {
        List<LinearSite> all = new ArrayList<>();
        stages.forEach(all::addAll);
        return all;
    }

    /** From now on the linears see their inputs rounded so. */
    public void roundInputs(LinearInputs rounding) {
        inputs = rounding;
    }

    /** From now on attention sees keys and values rounded so. */
    public void roundCache(CacheRounding rounding) {
        cache = rounding;
    }

    /** Puts another value, (out, in) row-major, in a weight's place; the source is left alone. */
    public void replace(LinearSite site, float[] value) {
        Tensor replacement = Torch.owned(() -> compute.cast(Tensors.of(value, site.out(), site.in())));
        get(site.weight()).close();
        weights.put(site.weight(), replacement);
    }

    /** The whole block: residual stream in, residual stream out, both (tokens, hidden). */
    Tensor forward(Tensor residual, Pass pass, SiteObserver observer) {
        State state = begin(residual);
        for (int stage = 0; stage < stages.size(); stage++) {
            state = advance(stage, state, pass, observer);
        }
        observer.observe(prefix + ".output", state.residual());
        return state.residual();
    }

    /** The state before stage 0. */
    State begin(Tensor residual) {
        return new State(
                residual,
                spec.postNorm() ? residual : norm(residual, spec.names().attentionNorm()));
    }

    /** Runs the linears of a stage and everything after them up to the next stage's input. */
    State advance(int stage, State state, Pass pass, SiteObserver observer) {
        return switch (stage) {
            case 0 -> new State(state.residual(), attention(state.input(), pass, observer));
            case 1 -> {
                Tensor residual = state.residual().add(linears(1, state.input(), observer)[0]);
                Tensor normed = norm(
                        residual,
                        spec.postNorm()
                                ? spec.names().attentionNorm()
                                : spec.names().mlpNorm());
                yield new State(spec.postNorm() ? normed : residual, normed);
            }
            case 2 -> {
                Tensor[] all = linears(2, state.input(), observer);
                Tensor first = spec.mlp().activation().apply(all[0]);
                yield new State(state.residual(), spec.mlp().gated() ? product(first, all[1]) : first);
            }
            case 3 -> {
                Tensor residual = state.residual().add(linears(3, state.input(), observer)[0]);
                yield new State(spec.postNorm() ? norm(residual, spec.names().mlpNorm()) : residual, state.input());
            }
            default -> throw new IllegalArgumentException("stage " + stage);
        };
    }

    /** What attention (stage 0) or MLP (stage 2) add to the residual stream, of that stage's input. */
    Tensor module(int stage, Tensor input, Pass pass) {
        // The residual stream is not looked at between the two stages.
        State inside = advance(stage, new State(input, input), pass, SiteObserver.NONE);
        return linears(stage + 1, inside.input(), SiteObserver.NONE)[0];
    }

    /** In place where no gradient will ask for the factor. */
    private static Tensor product(Tensor x, Tensor factor) {
        return x.requires_grad() ? x.mul(factor) : x.mul_(factor);
    }

    /** Causal attention within each sequence: (tokens, hidden) to the output projection's input (tokens, heads * headDim). */
    private Tensor attention(Tensor input, Pass pass, SiteObserver observer) {
        DecoderSpec.Attention a = spec.attention();
        Tensor q;
        Tensor k;
        Tensor v;
        Tensor[] projected = linears(0, input, observer);
        if (a.fused()) {
            Tensor all = projected[0];
            int keys = a.queryWidth();
            int values = keys + a.keyWidth();
            q = heads(Tensors.slice(all, 1, 0, keys), a.heads(), pass.sequences());
            k = heads(Tensors.slice(all, 1, keys, values), a.kvHeads(), pass.sequences());
            v = heads(Tensors.slice(all, 1, values, values + a.keyWidth()), a.kvHeads(), pass.sequences());
        } else {
            q = heads(projected[0], a.heads(), pass.sequences());
            k = heads(projected[1], a.kvHeads(), pass.sequences());
            v = heads(projected[2], a.kvHeads(), pass.sequences());
        }
        observer.observe(prefix + ".attention.q", q);
        observer.observe(prefix + ".attention.k", k);
        observer.observe(prefix + ".attention.v", v);
        if (a.headNorm()) {
            q = headNorm(q, spec.names().queryNorm());
            k = headNorm(k, spec.names().keyNorm());
        }
        q = pass.turn(q);
        k = pass.turn(cache.round(prefix + ".attention.k", k));
        observer.observe(prefix + ".attention.q_rope", q);
        observer.observe(prefix + ".attention.k_rope", k);
        KeyValueCache.Entry seen = pass.remember(
                index, cache.round(prefix + ".attention.k_rope", k), cache.round(prefix + ".attention.v", v));
        if (observer.probabilities()) {
            observer.observe(
                    prefix + ".attention.probabilities",
                    probabilities(q, shareHeads(seen.keys()).squeeze(0), pass));
        }
        Tensor out = pass.triangle() && q.size(1) > 1
                ? CausalAttention.of(q, seen.keys(), seen.values(), a.scale())
                : fusedAttention(q, shareHeads(seen.keys()), shareHeads(seen.values()), pass.mask());
        return out.reshape(pass.sequences(), a.heads(), out.size(1), a.headDim())
                .transpose(1, 2)
                .reshape(input.size(0), a.queryWidth())
                .to(compute.type().scalarType());
    }

    /** In float32 too: the fused kernel has no fast bfloat16 products without MKL. */
    private Tensor fusedAttention(Tensor q, Tensor keys, Tensor values, @Nullable Tensor mask) {
        return torch.scaled_dot_product_attention(
                        q.unsqueeze(0).to(torch.ScalarType.Float),
                        keys.to(torch.ScalarType.Float),
                        values.to(torch.ScalarType.Float),
                        mask == null ? new TensorOptional() : new TensorOptional(mask),
                        0.0,
                        false,
                        new DoubleOptional(spec.attention().scale()),
                        false)
                .squeeze(0);
    }

    /** Softmax of the scores, (heads, queries, keys), written out: the fused kernel never shows it. */
    private Tensor probabilities(Tensor q, Tensor keys, Pass pass) {
        Tensor scores = q.matmul(keys.transpose(1, 2))
                .mul(Tensors.scalar(spec.attention().scale()));
        Tensor mask = pass.mask();
        Tensor hidden = mask != null
                ? mask.logical_not()
                : pass.triangle()
                        ? torch.ones_like(scores).triu(1).to(torch.ScalarType.Bool)
                        : torch.zeros_like(scores).to(torch.ScalarType.Bool);
        return scores.to(torch.ScalarType.Float)
                .masked_fill(hidden, Tensors.scalar(Double.NEGATIVE_INFINITY))
                .softmax(2);
    }

    /** (sequences * tokens, n * headDim) to (sequences * n, tokens, headDim): to attention, sequences are further heads. */
    private Tensor heads(Tensor projected, int n, int sequences) {
        long tokens = projected.size(0) / sequences;
        int headDim = spec.attention().headDim();
        return projected
                .reshape(sequences, tokens, n, headDim)
                .transpose(1, 2)
                .reshape((long) sequences * n, tokens, headDim);
    }

    private Tensor headNorm(Tensor x, String name) {
        return torch.rms_norm(
                x,
                new long[] {spec.attention().headDim()},
                new TensorOptional(get(prefix + "." + name + ".weight")),
                new DoubleOptional(spec.norm().eps()));
    }

    /** (kvHeads, tokens, headDim) to (1, heads, tokens, headDim), each repeated for the query heads that share it. */
    private Tensor shareHeads(Tensor x) {
        DecoderSpec.Attention a = spec.attention();
        int share = a.heads() / a.kvHeads();
        return share == 1
                ? x.unsqueeze(0)
                : x.unsqueeze(1)
                        .expand(x.size(0), share, x.size(1), a.headDim())
                        .reshape(1, x.size(0) * share, x.size(1), a.headDim());
    }

    /** The outputs of a stage's linears. */
    private Tensor[] linears(int stage, Tensor input, SiteObserver observer) {
        List<LinearSite> members = stages.get(stage);
        Tensor[] outputs = new Tensor[members.size()];
        Tensor rounded = input;
        for (int i = 0; i < outputs.length; i++) {
            LinearSite site = members.get(i);
            observer.observe(site.input(), input);
            if (i == 0 || !inputs.alike(members.get(i - 1), site)) {
                rounded = inputs.round(site, input);
            }
            Tensor bias = site.bias() ? get(site.biasName()) : null;
            outputs[i] = Decoder.linear(rounded, get(site.weight()), bias, compute.products());
            observer.observe(site.output(), outputs[i]);
        }
        return outputs;
    }

    private Tensor norm(Tensor x, String name) {
        String full = prefix + "." + name;
        return Decoder.norm(x, spec, get(full + ".weight"), spec.norm().rms() ? null : get(full + ".bias"));
    }

    private Tensor get(String name) {
        Tensor tensor = weights.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("block has no tensor " + name);
        }
        return tensor;
    }

    @Override
    public void close() {
        weights.values().forEach(Tensor::close);
        arena.close();
    }
}
