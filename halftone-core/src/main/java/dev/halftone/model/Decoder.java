package dev.halftone.model;

import dev.halftone.error.InputException;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A decoder-only language model over a {@link WeightSource}. Blocks are loaded one at a time, so a model larger than memory can
 * be run block by block; embedding and head stay loaded until {@link #close}, and so do all blocks after {@link #keepBlocks}.
 */
public final class Decoder implements AutoCloseable {
    private final DecoderSpec spec;
    private final WeightSource source;
    private final Compute compute;
    private final LinearInputs inputs;
    private final CacheRounding cache;
    private final Arena arena = Arena.ofShared();

    /** Embedding, head and what else lies outside the blocks, in the arena. */
    private final Map<String, Tensor> outer = new HashMap<>();

    private final List<DecoderBlock> kept = new ArrayList<>();

    /**
     * Checks that every tensor is there with the shape that the spec asks for, and loads embedding and head.
     *
     * @throws InputException HT-303 for a missing tensor, HT-304 for a wrong shape
     */
    public Decoder(DecoderSpec spec, WeightSource source, Compute compute, String place) {
        this(spec, source, compute, LinearInputs.PLAIN, CacheRounding.PLAIN, place);
    }

    /** The same with quantized activations, keys and values. */
    public Decoder(
            DecoderSpec spec,
            WeightSource source,
            Compute compute,
            LinearInputs inputs,
            CacheRounding cache,
            String place) {
        this.inputs = inputs;
        this.cache = cache;
        this.spec = spec;
        this.source = source;
        this.compute = compute;
        checkTensors(spec, source, place);
        Torch.load();
        for (Expected tensor : outerTensors(spec)) {
            outer.put(tensor.name(), Torch.owned(() -> compute.place(load(tensor.name()))));
        }
    }

    private Tensor load(String name) {
        boolean gain = name.equals(spec.names().finalNorm() + ".weight")
                || name.equals(spec.names().embeddingNorm() + ".weight");
        return gain ? gain(spec, name, source, compute, arena) : source.load(name, compute.type(), arena);
    }

    /** A norm's tensor, with the family's offset in its weight. */
    static Tensor gain(DecoderSpec spec, String name, WeightSource source, Compute compute, Arena arena) {
        double offset = name.endsWith(".weight") ? spec.norm().offset() : 0;
        if (offset == 0) {
            return source.load(name, compute.type(), arena);
        }
        return Torch.scoped(() -> source.load(name, ComputeType.FLOAT32, arena)
                .add(Tensors.scalar(offset))
                .to(compute.type().scalarType()));
    }

    public DecoderSpec spec() {
        return spec;
    }

    public Compute compute() {
        return compute;
    }

    /** Where the weights come from. */
    WeightSource source() {
        return source;
    }

    /** Frees embedding and head: from now on only blocks can be loaded. */
    public void keepOnlyBlocks() {
        outer.values().forEach(Tensor::close);
        outer.clear();
        arena.close();
    }

    /** Loads all blocks once instead of once a pass: for step-by-step decoding. */
    public void keepBlocks() {
        for (int i = kept.size(); i < spec.layers(); i++) {
            kept.add(block(i));
        }
    }

    /** All linear weights inside the blocks, in the order in which they run: what a weight recipe can target. */
    public static List<LinearSite> linears(DecoderSpec spec) {
        List<LinearSite> all = new ArrayList<>();
        for (int i = 0; i < spec.layers(); i++) {
            spec.stages(i).forEach(all::addAll);
        }
        return all;
    }

    /** A tensor that a model needs, in the family's own layout. */
    public record Expected(String name, long... shape) {
        @Override
        public String toString() {
            return name + " " + Arrays.toString(shape);
        }
    }

    /** Every tensor that the model needs, with its shape. */
    public static List<Expected> tensors(DecoderSpec spec) {
        List<Expected> all = new ArrayList<>(outerTensors(spec));
        for (int i = 0; i < spec.layers(); i++) {
            all.addAll(DecoderBlock.norms(spec, i));
            for (List<LinearSite> stage : spec.stages(i)) {
                for (LinearSite site : stage) {
                    all.add(
                            site.inputMajor()
                                    ? new Expected(site.weight(), site.in(), site.out())
                                    : new Expected(site.weight(), site.out(), site.in()));
                    if (site.bias()) {
                        all.add(new Expected(site.biasName(), site.out()));
                    }
                }
            }
        }
        return all;
    }

    /** What lies outside the blocks. */
    private static List<Expected> outerTensors(DecoderSpec spec) {
        DecoderSpec.Names names = spec.names();
        long vocabulary = spec.embedding().vocabulary();
        long width = spec.embedding().width();
        List<Expected> all = new ArrayList<>();
        all.add(new Expected(names.embedding() + ".weight", vocabulary, width));
        if (spec.attention().positions() instanceof DecoderSpec.Learned(int _, int rows)) {
            all.add(new Expected(names.positions() + ".weight", rows, spec.hidden()));
        }
        if (!names.tokenTypes().isEmpty()) {
            all.add(new Expected(
                    names.tokenTypes() + ".weight", spec.embedding().types(), spec.hidden()));
        }
        if (spec.projected()) {
            all.add(new Expected(names.projectIn() + ".weight", spec.hidden(), width));
            all.add(new Expected(names.projectOut() + ".weight", width, spec.hidden()));
        }
        if (!names.embeddingNorm().isEmpty()) {
            all.addAll(norm(names.embeddingNorm(), spec));
        }
        if (spec.finalNorm()) {
            all.addAll(norm(names.finalNorm(), spec));
        }
        if (!spec.embedding().tied()) {
            all.add(new Expected(names.head() + ".weight", vocabulary, width));
        }
        if (spec.head().bias()) {
            all.add(new Expected(names.head() + ".bias", vocabulary));
        }
        return all;
    }

    static List<Expected> norm(String name, DecoderSpec spec) {
        Expected weight = new Expected(name + ".weight", spec.hidden());
        return spec.norm().bias() ? List.of(weight, new Expected(name + ".bias", spec.hidden())) : List.of(weight);
    }

    /** x W^T + bias, multiplied in the type {@code products}, in the type of x again. */
    static Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias, ComputeType products) {
        ScalarType type = products.scalarType();
        if (x.scalar_type().intern() == type) {
            return bias == null ? torch.matmul(x, weight.t()) : torch.linear(x, weight, bias);
        }
        Tensor w = weight.to(type);
        Tensor y = bias == null ? torch.matmul(x.to(type), w.t()) : torch.linear(x.to(type), w, bias.to(type));
        return y.to(x.scalar_type());
    }

    static Tensor norm(Tensor x, DecoderSpec spec, Tensor weight, @Nullable Tensor bias) {
        long[] shape = {spec.hidden()};
        double eps = spec.norm().eps();
        return spec.norm().rms()
                ? torch.rms_norm(x, shape, new TensorOptional(weight), new DoubleOptional(eps))
                : torch.layer_norm(
                        x,
                        shape,
                        new TensorOptional(weight),
                        bias == null ? new TensorOptional() : new TensorOptional(bias),
                        eps,
                        false);
    }

    /** Fails where a tensor that the spec needs is missing or has another shape. */
    public static void checkTensors(DecoderSpec spec, WeightSource source, String place) {
        Map<String, LinearSite> sites = new HashMap<>();
        linears(spec).forEach(site -> sites.put(site.weight(), site));
        for (Expected expected : tensors(spec)) {
            if (!source.has(expected.name())) {
                throw new InputException(
                        "HT-303",
                        place,
                        "tensor " + expected + " is missing",
                        "the checkpoint is incomplete or config.json belongs to another model");
            }
            LinearSite site = sites.get(expected.name());
            long[] wanted = site == null ? expected.shape() : site.storedShape(source);
            long[] shape = source.shape(expected.name());
            if (!Arrays.equals(shape, wanted)) {
                throw new InputException(
                        "HT-304",
                        place,
                        "tensor " + expected.name() + " has shape " + Arrays.toString(shape) + "; config.json asks for "
                                + Arrays.toString(wanted),
                        "config.json belongs to another model");
            }
        }
    }

    /** Loads a block; the caller closes it. */
    public DecoderBlock block(int index) {
        return block(index, source);
    }

    /** The same from other weights. */
    public DecoderBlock block(int index, WeightSource weights) {
        DecoderBlock block = new DecoderBlock(spec, index, weights, compute);
        block.roundInputs(inputs);
        block.roundCache(cache);
        return block;
    }

    /** Token ids to the residual stream (tokens, hidden). */
    Tensor embed(int[] ids, Pass pass) {
        Tensor x = torch.embedding(get(spec.names().embedding()), compute.place(Tensors.of(ids)));
        if (spec.embedding().scale() != 1) {
            // Rounded to the compute type first, as the families that have it do.
            x = x.mul(compute.cast(Tensors.of(new double[] {spec.embedding().scale()}, 1)));
        }
        if (spec.projected()) {
            x = torch.matmul(x, get(spec.names().projectIn()).t());
        }
        if (spec.attention().positions() instanceof DecoderSpec.Learned(int offset, int _)) {
            int[] one = pass.positions();
            int[] rows = new int[ids.length];
            Arrays.setAll(rows, i -> one[i % one.length] + offset);
            x = x.add(torch.embedding(get(spec.names().positions()), compute.place(Tensors.of(rows))));
        }
        if (!spec.names().tokenTypes().isEmpty()) {
            x = x.add(Tensors.slice(get(spec.names().tokenTypes()), 0, 0, 1));
        }
        if (!spec.names().embeddingNorm().isEmpty()) {
            x = outerNorm(x, spec.names().embeddingNorm());
        }
        return x;
    }

    /**
     * The residual stream behind the last block, (ids, hidden), on the device: what an encoder gives.
     */
    public Tensor hidden(int[] ids) {
        checkLength(ids.length);
        return blocks(ids, Pass.whole(spec, compute, ids.length), SiteObserver.NONE, x -> x);
    }

    /** Residual stream after the last block (tokens, hidden) to float32 logits (tokens, vocabulary), on the device. */
    public Tensor logits(Tensor hidden) {
        if (spec.encoder()) {
            throw new InputException(
                    "HT-712",
                    spec.family(),
                    "is an encoder, which predicts no tokens",
                    "compare its sentence embeddings: halftone similarity MODEL --reference MODEL --text SENTENCES");
        }
        Tensor x = hidden;
        if (spec.finalNorm()) {
            x = outerNorm(x, spec.names().finalNorm());
        }
        if (spec.projected()) {
            x = torch.matmul(x, get(spec.names().projectOut()).t());
        }
        Tensor head = get(
                spec.embedding().tied()
                        ? spec.names().embedding()
                        : spec.names().head());
        Tensor bias = spec.head().bias() ? outer.get(spec.names().head() + ".bias") : null;
        Tensor logits = linear(x, head, bias, compute.products()).to(ScalarType.Float);
        if (spec.head().scale() != 1) {
            logits = logits.mul(Tensors.scalar(spec.head().scale()));
        }
        double cap = spec.head().softcap();
        return cap > 0 ? CausalAttention.capped(logits, cap) : logits;
    }

    private Tensor outerNorm(Tensor x, String name) {
        return norm(x, spec, get(name), outer.get(name + ".bias"));
    }

    /** A plain forward pass of one sequence: ids to logits (tokens, vocabulary), on the device. */
    public Tensor forward(int[] ids, SiteObserver observer) {
        checkLength(ids.length);
        return run(ids, Pass.whole(spec, compute, ids.length), observer);
    }

    /**
     * Sequences of equal length at once, with a gradient where the weights want one.
     *
     * @param ids the sequences, one after the other
     * @return (ids, vocabulary)
     */
    public Tensor forwardBatch(int[] ids, int sequences, SiteObserver observer) {
        int tokens = ids.length / sequences;
        checkLength(tokens);
        return run(ids, Pass.batch(spec, compute, sequences, tokens), observer);
    }

    /** The same where the first {@code padding} ids mean nothing: rows from there on equal the pass without them. */
    public Tensor forwardPadded(int[] ids, int padding, SiteObserver observer) {
        checkLength(ids.length - padding);
        return run(ids, Pass.padded(spec, compute, ids.length, padding), observer);
    }

    /** The next tokens of a sequence whose beginning is in the cache, which keeps them too. */
    public Tensor forwardCached(int[] ids, KeyValueCache cache, SiteObserver observer) {
        checkLength(cache.length() + ids.length);
        Tensor logits = run(ids, Pass.cached(spec, compute, ids.length, cache), observer);
        cache.advance(ids.length);
        return logits;
    }

    /** The same, with logits of the last token alone: the head is a large part of a long pass. */
    public Tensor nextLogits(int[] ids, KeyValueCache cache) {
        checkLength(cache.length() + ids.length);
        Tensor logits = run(ids, Pass.cached(spec, compute, ids.length, cache), SiteObserver.NONE, ids.length - 1);
        cache.advance(ids.length);
        return logits;
    }

    /** Learned positions end somewhere; rotary ones do not. */
    void checkLength(int tokens) {
        if (spec.attention().positions() instanceof DecoderSpec.Learned(int offset, int rows)
                && tokens + offset > rows) {
            throw new InputException(
                    "HT-307",
                    spec.family(),
                    "a sequence of " + tokens + " tokens; the model has " + (rows - offset) + " positions",
                    "use a smaller --length");
        }
    }

    private Tensor run(int[] ids, Pass pass, SiteObserver observer) {
        return run(ids, pass, observer, 0);
    }

    /** @param first token whose logits are wanted, with all behind it */
    private Tensor run(int[] ids, Pass pass, SiteObserver observer, int first) {
        return blocks(
                ids,
                pass,
                observer,
                hidden -> logits(first == 0 ? hidden : Tensors.slice(hidden, 0, first, ids.length)));
    }

    private Tensor blocks(int[] ids, Pass pass, SiteObserver observer, UnaryOperator<Tensor> behind) {
        return Torch.scoped(() -> {
            try (pass) {
                Tensor hidden = embed(ids, pass);
                for (int i = 0; i < spec.layers(); i++) {
                    Tensor before = hidden;
                    if (kept.isEmpty()) {
                        try (DecoderBlock block = block(i)) {
                            hidden = Torch.scoped(() -> block.forward(before, pass, observer));
                        }
                    } else {
                        DecoderBlock block = kept.get(i);
                        hidden = Torch.scoped(() -> block.forward(before, pass, observer));
                    }
                }
                return behind.apply(hidden);
            }
        });
    }

    private Tensor get(String name) {
        Tensor tensor = outer.get(name + ".weight");
        if (tensor == null) {
            throw new IllegalArgumentException("model has no tensor " + name);
        }
        return tensor;
    }

    @Override
    public void close() {
        kept.forEach(DecoderBlock::close);
        if (arena.scope().isAlive()) {
            keepOnlyBlocks();
        }
    }
}
