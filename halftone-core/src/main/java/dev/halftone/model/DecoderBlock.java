package dev.halftone.model;

import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * One block with its weights, run in stages: a stage is a set of linears with a common input. Between two stages the state of a
 * sequence is the residual stream and the next stage's input, so a quantizer can collect statistics of a stage, replace
 * its weights and go on without running anything twice.
 *
 * <p>Stages of a sequential gated block: 0 q, k, v; 1 o; 2 gate, up; 3 down.
 */
public final class DecoderBlock implements AutoCloseable {
    private final DecoderSpec spec;
    private final String prefix;
    private final List<List<LinearSite>> stages;
    private final ComputeType type;
    private final Arena arena = Arena.ofShared();
    private final Map<String, Tensor> weights = new HashMap<>();

    /**
     * A sequence between two stages.
     *
     * @param residual (tokens, hidden)
     * @param input (tokens, width of the next stage's linears); undefined after the last stage
     */
    public record State(Tensor residual, Tensor input) {}

    DecoderBlock(
            DecoderSpec spec, String prefix, List<List<LinearSite>> stages, WeightSource source, ComputeType type) {
        this.spec = spec;
        this.prefix = prefix;
        this.stages = stages;
        this.type = type;
        for (LinearSite site : sites()) {
            put(site.weight(), source);
            if (site.bias()) {
                put(site.biasName(), source);
            }
        }
        for (String norm : List.of(attentionNorm(), mlpNorm())) {
            put(norm, source);
        }
    }

    private void put(String name, WeightSource source) {
        weights.put(name, Torch.owned(() -> source.load(name, type, arena)));
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

    /** The current weight of a site, (out, in). */
    public Tensor weight(LinearSite site) {
        return get(site.weight());
    }

    /** Puts another value, (out, in) row-major, in a weight's place; the source is left alone. */
    public void replace(LinearSite site, float[] value) {
        Tensor replacement =
                Torch.owned(() -> Tensors.of(value, site.out(), site.in()).to(type.scalarType()));
        weight(site).close();
        weights.put(site.weight(), replacement);
    }

    /** The whole block: residual stream in, residual stream out, both (tokens, hidden). */
    Tensor forward(Tensor residual, RopeTable rope, SiteObserver observer) {
        State state = begin(residual);
        for (int stage = 0; stage < stages.size(); stage++) {
            state = advance(stage, state, rope, observer);
        }
        observer.observe(prefix + ".output", state.residual());
        return state.residual();
    }

    /** The state before stage 0. */
    State begin(Tensor residual) {
        return new State(residual, norm(residual, attentionNorm()));
    }

    /** Runs the linears of a stage and everything after them up to the next stage's input. */
    State advance(int stage, State state, RopeTable rope, SiteObserver observer) {
        return switch (stage) {
            case 0 -> new State(state.residual(), attention(state.input(), rope, observer));
            case 1 -> {
                Tensor residual = state.residual().add(linear(1, 0, state.input(), observer));
                yield new State(residual, norm(residual, mlpNorm()));
            }
            case 2 -> {
                Tensor gate = linear(2, 0, state.input(), observer);
                Tensor up = linear(2, 1, state.input(), observer);
                yield new State(state.residual(), torch.silu(gate).mul_(up));
            }
            case 3 -> new State(state.residual().add(linear(3, 0, state.input(), observer)), state.input());
            default -> throw new IllegalArgumentException("stage " + stage);
        };
    }

    /** Causal attention of one sequence: (tokens, hidden) to the output projection's input (tokens, heads * headDim). */
    private Tensor attention(Tensor input, RopeTable rope, SiteObserver observer) {
        Tensor q = heads(linear(0, 0, input, observer), spec.heads());
        Tensor k = heads(linear(0, 1, input, observer), spec.kvHeads());
        Tensor v = heads(linear(0, 2, input, observer), spec.kvHeads());
        observer.observe(prefix + ".self_attn.q", q);
        observer.observe(prefix + ".self_attn.k", k);
        observer.observe(prefix + ".self_attn.v", v);
        q = rope.apply(q);
        k = rope.apply(k);
        observer.observe(prefix + ".self_attn.q_rope", q);
        observer.observe(prefix + ".self_attn.k_rope", k);
        Tensor out = torch.scaled_dot_product_attention(
                q.unsqueeze(0),
                shareHeads(k),
                shareHeads(v),
                new TensorOptional(),
                0.0,
                true,
                new DoubleOptional(spec.attentionScale()),
                false);
        return out.squeeze(0).transpose(0, 1).reshape(input.size(0), (long) spec.heads() * spec.headDim());
    }

    /** (tokens, n * headDim) to (n, tokens, headDim). */
    private Tensor heads(Tensor projected, int n) {
        return projected.view(projected.size(0), n, spec.headDim()).transpose(0, 1);
    }

    /** (kvHeads, tokens, headDim) to (1, heads, tokens, headDim), each repeated for the query heads that share it. */
    private Tensor shareHeads(Tensor x) {
        int share = spec.heads() / spec.kvHeads();
        return share == 1
                ? x.unsqueeze(0)
                : x.unsqueeze(1)
                        .expand(spec.kvHeads(), share, x.size(1), spec.headDim())
                        .reshape(1, spec.heads(), x.size(1), spec.headDim());
    }

    private Tensor linear(int stage, int index, Tensor input, SiteObserver observer) {
        LinearSite site = stages.get(stage).get(index);
        observer.observe(site.input(), input);
        Tensor output = site.bias()
                ? torch.linear(input, get(site.weight()), get(site.biasName()))
                : torch.matmul(input, get(site.weight()).t());
        observer.observe(site.output(), output);
        return output;
    }

    private Tensor norm(Tensor x, String weight) {
        return torch.rms_norm(
                x, new long[] {spec.hidden()}, new TensorOptional(get(weight)), new DoubleOptional(spec.normEps()));
    }

    private String attentionNorm() {
        return prefix + ".input_layernorm.weight";
    }

    private String mlpNorm() {
        return prefix + ".post_attention_layernorm.weight";
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
