package dev.halftone.model;

import java.util.List;
import java.util.stream.IntStream;

/**
 * What a decoder computes, whatever its config called it. One forward pass ({@link Decoder}) serves every family; a family is
 * a row in {@link Families}.
 *
 * @param family {@code model_type} of the config
 * @param hidden width of the residual stream
 * @param intermediate width of the MLP
 * @param contextLength positions the model was trained for
 * @param postNorm the norms follow the residual additions instead of preceding attention and MLP
 * @param finalNorm there is a norm before the head
 * @param inputMajor linear weights inside the blocks are stored (in, out), as GPT-2's are
 */
public record DecoderSpec(
        String family,
        int layers,
        int hidden,
        int intermediate,
        int contextLength,
        Attention attention,
        Mlp mlp,
        Norm norm,
        Embedding embedding,
        boolean postNorm,
        boolean finalNorm,
        boolean inputMajor,
        Names names) {
    /** How a token knows where it stands. */
    public sealed interface Positions permits Rope, Learned {}

    /** A learned vector per position, added to the embedding; position p is row p + offset of {@code rows}. */
    public record Learned(int offset, int rows) implements Positions {}

    /**
     * Causal attention.
     *
     * @param kvHeads key and value heads; query head h uses number h / (heads / kvHeads)
     * @param headDim width of one head, not always hidden / heads
     * @param window a token sees this many tokens, itself included; 0 for all
     * @param headNorm q and k are RMS-normed per head before they are turned
     * @param fused q, k and v are one linear, rows [q; k; v]
     */
    public record Attention(
            int heads,
            int kvHeads,
            int headDim,
            Positions positions,
            int window,
            boolean qkvBias,
            boolean outputBias,
            boolean headNorm,
            boolean fused) {
        /** Scores are multiplied by this before the softmax. */
        double scale() {
            return 1 / Math.sqrt(headDim);
        }

        int queryWidth() {
            return heads * headDim;
        }

        int keyWidth() {
            return kvHeads * headDim;
        }
    }

    /**
     * The MLP.
     *
     * @param gated down(act(gate x) * up x) instead of down(act(up x))
     */
    public record Mlp(boolean gated, Activation activation, boolean bias) {}

    /** RMSNorm without bias, or LayerNorm with. */
    public record Norm(boolean rms, double eps) {}

    /**
     * Token embedding.
     *
     * @param width columns; where it is not hidden, a projection leads into the blocks and another one out
     * @param tied the head is the embedding
     */
    public record Embedding(int vocabulary, int width, boolean tied) {}

    /**
     * Names of the tensors, without {@code .weight} and {@code .bias}.
     *
     * @param block prefix of a block, with %d for its number; the names below it are relative to that
     * @param qkv three names, or one if fused
     * @param up gate and up, or one if the MLP is not gated
     */
    public record Names(
            String embedding,
            String positions,
            String finalNorm,
            String head,
            String projectIn,
            String projectOut,
            String block,
            String attentionNorm,
            String mlpNorm,
            List<String> qkv,
            String output,
            String queryNorm,
            String keyNorm,
            List<String> up,
            String down) {}

    boolean projected() {
        return embedding.width() != hidden;
    }

    public String blockName(int index) {
        return names.block().formatted(index);
    }

    /** The inputs of a block's stages. */
    public List<Junction> junctions(int index) {
        String prefix = blockName(index) + ".";
        List<List<LinearSite>> stages = stages(index);
        Junction.Producer attentionInput =
                postNorm ? new Junction.Opaque() : new Junction.NormOutput(prefix + names.attentionNorm());
        Junction.Producer mlpInput =
                postNorm ? new Junction.Opaque() : new Junction.NormOutput(prefix + names.mlpNorm());
        // The attention's output is a mean of values, per head.
        int[] values = new int[attention.queryWidth()];
        int share = attention.heads() / attention.kvHeads();
        int first = attention.fused() ? attention.queryWidth() + attention.keyWidth() : 0;
        for (int c = 0; c < values.length; c++) {
            int head = c / attention.headDim();
            values[c] = first + head / share * attention.headDim() + c % attention.headDim();
        }
        int[] all = IntStream.range(0, intermediate).toArray();
        Junction.Producer hidden = mlp.gated() || mlp.activation() == Activation.RELU
                ? new Junction.LinearOutput(stages.get(2).getLast(), all)
                : new Junction.Opaque();
        List<Junction.Producer> producers =
                List.of(attentionInput, new Junction.LinearOutput(stages.get(0).getLast(), values), mlpInput, hidden);
        return IntStream.range(0, stages.size())
                .mapToObj(stage ->
                        new Junction(stage, stages.get(stage).getFirst().in(), producers.get(stage), stages.get(stage)))
                .toList();
    }

    /** Linears of a block by stage: those with one input. */
    public List<List<LinearSite>> stages(int index) {
        String prefix = blockName(index) + ".";
        int q = attention.queryWidth();
        int kv = attention.keyWidth();
        List<String> names3 = names.qkv();
        List<LinearSite> projections = attention.fused()
                ? List.of(linear(prefix + names3.getFirst(), q + 2 * kv, hidden, attention.qkvBias()))
                : List.of(
                        linear(prefix + names3.get(0), q, hidden, attention.qkvBias()),
                        linear(prefix + names3.get(1), kv, hidden, attention.qkvBias()),
                        linear(prefix + names3.get(2), kv, hidden, attention.qkvBias()));
        return List.of(
                projections,
                List.of(linear(prefix + names.output(), hidden, q, attention.outputBias())),
                names.up().stream()
                        .map(name -> linear(prefix + name, intermediate, hidden, mlp.bias()))
                        .toList(),
                List.of(linear(prefix + names.down(), hidden, intermediate, mlp.bias())));
    }

    private LinearSite linear(String name, int out, int in, boolean bias) {
        return new LinearSite(name + ".weight", out, in, bias, inputMajor);
    }
}
