package dev.halftone.model;

import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One block with its weights, run in stages: a stage is a set of linears with a common input. Between two stages the state of a
 * sequence is the residual stream and the next stage's input, so a quantizer can collect statistics of a stage, replace
 * its weights and go on without running anything twice.
 *
 * <p>Stages: 0 q, k, v; 1 attention output; 2 gate and up, or up alone; 3 down. With a mixture of experts, stage 2 is the router
 * and every expert's gate and up, stage 3 every expert's down; an expert reads the rows of its own tokens.
 */
public final class DecoderBlock implements AutoCloseable {
    private final DecoderSpec spec;
    private final int index;
    private final String prefix;
    private final List<List<LinearSite>> stages;
    private final Compute compute;
    private LinearInputs inputs = LinearInputs.PLAIN;
    private CacheRounding cache = CacheRounding.PLAIN;
    private final Map<String, Held> weights = new HashMap<>();
    private final AttentionLayer attention;
    private final @Nullable MixtureLayer mixture;

    /**
     * A sequence between two stages.
     *
     * @param residual (tokens, hidden)
     * @param input (tokens, width of the next stage); undefined after the last stage
     * @param routing of a mixture of experts; null where it is not known yet
     */
    record State(Tensor residual, Tensor input, @Nullable Routing routing) {
        State(Tensor residual, Tensor input) {
            this(residual, input, null);
        }
    }

    DecoderBlock(DecoderSpec spec, int index, WeightSource source, Compute compute) {
        this.spec = spec;
        this.index = index;
        this.prefix = spec.blockName(index);
        this.stages = spec.stages(index);
        this.compute = compute;
        for (LinearSite site : sites()) {
            put(site.weight(), arena -> site.load(source, compute.type(), arena));
            if (site.bias()) {
                put(site.biasName(), arena -> source.load(site.biasName(), compute.type(), arena));
            }
        }
        for (Decoder.Expected tensor : norms(spec, index)) {
            put(tensor.name(), arena -> Decoder.gain(spec, tensor.name(), source, compute, arena));
        }
        this.attention = new AttentionLayer(spec, index, compute, this::get);
        DecoderSpec.Experts experts = spec.experts(index);
        this.mixture = experts == null ? null : new MixtureLayer(spec, index, experts, compute, this::outputs);
    }

    /** A tensor and its memory, so that a replaced weight's is free at once. */
    private static final class Held implements AutoCloseable {
        private final Arena arena = Arena.ofShared();
        private final Tensor tensor;

        Held(Function<Arena, Tensor> load) {
            this.tensor = Torch.owned(() -> load.apply(arena));
        }

        @Override
        public void close() {
            tensor.close();
            arena.close();
        }
    }

    private void put(String name, Function<Arena, Tensor> load) {
        weights.put(name, new Held(arena -> compute.place(load.apply(arena))));
    }

    /** The tensors of a block's norms. */
    static List<Decoder.Expected> norms(DecoderSpec spec, int index) {
        List<Decoder.Expected> all = new ArrayList<>();
        spec.norms(index).forEach(norm -> all.addAll(Decoder.norm(norm, spec)));
        all.addAll(AttentionLayer.norms(spec, index));
        return all;
    }

    /** The linears, stage by stage. */
    public List<List<LinearSite>> stages() {
        return stages;
    }

    /** The experts; only of a block that has some. */
    DecoderSpec.Experts experts() {
        DecoderSpec.Experts experts = spec.experts(index);
        if (experts == null) {
            throw new IllegalStateException(prefix + " has no experts");
        }
        return experts;
    }

    /** Channels of a stage's input. */
    int width(int stage) {
        return spec.width(index, stage);
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

    /** The weight of a linear (out, in), which belongs to this block. */
    Tensor weight(LinearSite site) {
        return get(site.weight());
    }

    /** Puts another value, (out, in) row-major, in a weight's place; the source is left alone. */
    public void replace(LinearSite site, float[] value) {
        Held replacement = new Held(_ -> compute.cast(Tensors.of(value, site.out(), site.in())));
        held(site.weight()).close();
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
            case 0 ->
                new State(state.residual(), attention.of(linears(0, state.input(), observer), pass, cache, observer));
            case 1 -> {
                Tensor residual = state.residual()
                        .add(outputNorm(
                                linears(1, state.input(), observer)[0],
                                spec.names().attentionOutputNorm()));
                yield switch (spec.order()) {
                    case SEQUENTIAL ->
                        new State(residual, norm(residual, spec.names().mlpNorm()));
                    case PARALLEL -> new State(residual, norm(state.residual(), mlpNorm()));
                    case POST_NORM -> {
                        Tensor normed = norm(residual, spec.names().attentionNorm());
                        yield new State(normed, normed);
                    }
                };
            }
            case 2 -> up(state, observer);
            case 3 -> {
                Tensor residual = state.residual()
                        .add(outputNorm(down(state, observer), spec.names().mlpOutputNorm()));
                yield new State(spec.postNorm() ? norm(residual, spec.names().mlpNorm()) : residual, state.input());
            }
            default -> throw new IllegalArgumentException("stage " + stage);
        };
    }

    private String mlpNorm() {
        return spec.sharedNorm() ? spec.names().attentionNorm() : spec.names().mlpNorm();
    }

    private Tensor outputNorm(Tensor x, String name) {
        return name.isEmpty() ? x : norm(x, name);
    }

    private State up(State state, SiteObserver observer) {
        MixtureLayer layer = mixture;
        if (layer != null) {
            Routing routing = layer.route(state.input(), observer);
            return new State(state.residual(), layer.up(state.input(), routing, observer), routing);
        }
        Tensor[] all = linears(2, state.input(), observer);
        if (!spec.mlp().gated()) {
            return new State(state.residual(), spec.mlp().activation().apply(all[0]));
        }
        boolean fused = all.length == 1;
        Tensor gate = fused ? Tensors.slice(all[0], 1, 0, spec.intermediate()) : all[0];
        Tensor up = fused ? Tensors.slice(all[0], 1, spec.intermediate(), 2L * spec.intermediate()) : all[1];
        return new State(state.residual(), product(spec.mlp().activation().apply(gate), up));
    }

    private Tensor down(State state, SiteObserver observer) {
        MixtureLayer layer = mixture;
        if (layer == null) {
            return linears(3, state.input(), observer)[0];
        }
        Routing known = state.routing();
        // The router's input is made again from the residual stream, which stage 2 has left alone.
        Routing routing = known == null ? route(norm(state.residual(), mlpNorm())) : known;
        return layer.down(state.input(), routing, observer);
    }

    /** Which experts the tokens get that are these inputs of stage 2. */
    Routing route(Tensor input) {
        return Objects.requireNonNull(mixture).route(input, SiteObserver.NONE);
    }

    /** Hidden values of an expert for all tokens whose residual stream before the MLP this is, its own or not. */
    Tensor expertHidden(int expert, Tensor residual) {
        return Objects.requireNonNull(mixture).hidden(expert, norm(residual, mlpNorm()));
    }

    /**
     * What attention (stage 0) or MLP (stage 2) add to the residual stream, of that stage's input, before a norm of that; at stage
     * 0 both where they have one input.
     */
    Tensor module(int stage, Tensor input, Pass pass) {
        // The residual stream is not looked at between the two stages.
        State inside = advance(stage, new State(input, input), pass, SiteObserver.NONE);
        Tensor added = stage == 0 ? linears(1, inside.input(), SiteObserver.NONE)[0] : down(inside, SiteObserver.NONE);
        return stage == 0 && spec.sharedNorm() ? added.add(module(2, input, pass)) : added;
    }

    /** In place where no gradient will ask for the factor. */
    private static Tensor product(Tensor x, Tensor factor) {
        return x.requires_grad() ? x.mul(factor) : x.mul_(factor);
    }

    /** The outputs of a stage's linears. */
    private Tensor[] linears(int stage, Tensor input, SiteObserver observer) {
        return outputs(stages.get(stage), input, observer);
    }

    private Tensor[] outputs(List<LinearSite> members, Tensor input, SiteObserver observer) {
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
        return Decoder.norm(x, spec, get(full + ".weight"), spec.norm().bias() ? get(full + ".bias") : null);
    }

    private Tensor get(String name) {
        return held(name).tensor;
    }

    private Held held(String name) {
        Held held = weights.get(name);
        if (held == null) {
            throw new IllegalArgumentException("block has no tensor " + name);
        }
        return held;
    }

    @Override
    public void close() {
        weights.values().forEach(Held::close);
    }
}
