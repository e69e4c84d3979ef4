package dev.halftone.model;

import dev.halftone.error.InputException;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * A decoder-only language model over a {@link WeightSource}. Blocks are loaded one at a time, so a model larger than memory can
 * be run block by block; embedding and head stay loaded until {@link #close}.
 */
public final class Decoder implements AutoCloseable {
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final String FINAL_NORM = "model.norm.weight";
    private static final String HEAD = "lm_head.weight";

    private final DecoderSpec spec;
    private final WeightSource source;
    private final ComputeType type;
    private final Arena arena = Arena.ofShared();
    private final Tensor embedding;
    private final Tensor finalNorm;
    private final Tensor head;

    /**
     * Checks that every tensor is there with the shape that the spec asks for, and loads embedding and head.
     *
     * @throws InputException HT-303 for a missing tensor, HT-304 for a wrong shape
     */
    public Decoder(DecoderSpec spec, WeightSource source, ComputeType type, String place) {
        this.spec = spec;
        this.source = source;
        this.type = type;
        checkTensors(spec, source, place);
        Torch.load();
        this.embedding = Torch.owned(() -> source.load(EMBEDDING, type, arena));
        this.finalNorm = Torch.owned(() -> source.load(FINAL_NORM, type, arena));
        this.head = spec.tied() ? embedding : Torch.owned(() -> source.load(HEAD, type, arena));
    }

    public DecoderSpec spec() {
        return spec;
    }

    public ComputeType type() {
        return type;
    }

    /** All linear weights inside the blocks, in the order in which they run: what a weight recipe can target. */
    public static List<LinearSite> linears(DecoderSpec spec) {
        List<LinearSite> all = new ArrayList<>();
        for (int i = 0; i < spec.layers(); i++) {
            stages(spec, i).forEach(all::addAll);
        }
        return all;
    }

    /** Every tensor the model needs, with its shape. */
    public static List<Expected> tensors(DecoderSpec spec) {
        List<Expected> all = new ArrayList<>();
        all.add(new Expected(EMBEDDING, spec.vocabulary(), spec.hidden()));
        for (int i = 0; i < spec.layers(); i++) {
            all.add(new Expected(prefix(i) + ".input_layernorm.weight", spec.hidden()));
            all.add(new Expected(prefix(i) + ".post_attention_layernorm.weight", spec.hidden()));
            for (List<LinearSite> stage : stages(spec, i)) {
                for (LinearSite site : stage) {
                    all.add(new Expected(site.weight(), site.out(), site.in()));
                    if (site.bias()) {
                        all.add(new Expected(site.biasName(), site.out()));
                    }
                }
            }
        }
        all.add(new Expected(FINAL_NORM, spec.hidden()));
        if (!spec.tied()) {
            all.add(new Expected(HEAD, spec.vocabulary(), spec.hidden()));
        }
        return all;
    }

    /** A tensor that a model needs. */
    public record Expected(String name, long... shape) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Expected(String otherName, long[] otherShape)
                    && name.equals(otherName)
                    && Arrays.equals(shape, otherShape);
        }

        @Override
        public int hashCode() {
            return name.hashCode();
        }

        @Override
        public String toString() {
            return name + Arrays.toString(shape);
        }
    }

    /** Fails where a tensor that the spec needs is missing or has another shape. */
    public static void checkTensors(DecoderSpec spec, WeightSource source, String place) {
        for (Expected expected : tensors(spec)) {
            if (!source.has(expected.name())) {
                throw new InputException(
                        "HT-303",
                        place,
                        "tensor " + expected.name() + " " + Arrays.toString(expected.shape()) + " is missing",
                        "the checkpoint is incomplete or config.json belongs to another model");
            }
            long[] shape = source.shape(expected.name());
            if (!Arrays.equals(shape, expected.shape())) {
                throw new InputException(
                        "HT-304",
                        place,
                        "tensor " + expected.name() + " has shape " + Arrays.toString(shape) + "; config.json asks for "
                                + Arrays.toString(expected.shape()),
                        "config.json belongs to another model");
            }
        }
    }

    private static String prefix(int block) {
        return "model.layers." + block;
    }

    private static List<List<LinearSite>> stages(DecoderSpec spec, int block) {
        String attention = prefix(block) + ".self_attn.";
        String mlp = prefix(block) + ".mlp.";
        int q = spec.heads() * spec.headDim();
        int kv = spec.kvHeads() * spec.headDim();
        return List.of(
                List.of(
                        new LinearSite(attention + "q_proj.weight", q, spec.hidden(), spec.qkvBias()),
                        new LinearSite(attention + "k_proj.weight", kv, spec.hidden(), spec.qkvBias()),
                        new LinearSite(attention + "v_proj.weight", kv, spec.hidden(), spec.qkvBias())),
                List.of(new LinearSite(attention + "o_proj.weight", spec.hidden(), q, spec.outputBias())),
                List.of(
                        new LinearSite(mlp + "gate_proj.weight", spec.intermediate(), spec.hidden(), spec.mlpBias()),
                        new LinearSite(mlp + "up_proj.weight", spec.intermediate(), spec.hidden(), spec.mlpBias())),
                List.of(new LinearSite(mlp + "down_proj.weight", spec.hidden(), spec.intermediate(), spec.mlpBias())));
    }

    /** Loads a block; the caller closes it. */
    public DecoderBlock block(int index) {
        return new DecoderBlock(spec, prefix(index), stages(spec, index), source, type);
    }

    /** Token ids to the residual stream (tokens, hidden). */
    public Tensor embed(int[] ids) {
        return torch.embedding(embedding, Tensors.of(ids));
    }

    /** Residual stream after the last block (tokens, hidden) to float32 logits (tokens, vocabulary). */
    public Tensor logits(Tensor hidden) {
        Tensor normed = torch.rms_norm(
                hidden, new long[] {spec.hidden()}, new TensorOptional(finalNorm), new DoubleOptional(spec.normEps()));
        return torch.matmul(normed, head.t()).to(org.bytedeco.pytorch.global.torch.ScalarType.Float);
    }

    /** A plain forward pass of one sequence: ids to logits (tokens, vocabulary), loading each block in turn. */
    public Tensor forward(int[] ids, SiteObserver observer) {
        return Torch.scoped(() -> {
            try (RopeTable rope = RopeTable.of(spec.rope(), ids.length, type)) {
                Tensor hidden = embed(ids);
                for (int i = 0; i < spec.layers(); i++) {
                    Tensor before = hidden;
                    try (DecoderBlock block = block(i)) {
                        hidden = Torch.scoped(() -> block.forward(before, rope, observer));
                    }
                }
                return logits(hidden);
            }
        });
    }

    @Override
    public void close() {
        embedding.close();
        finalNorm.close();
        if (!spec.tied()) {
            head.close();
        }
        arena.close();
    }
}
