package dev.halftone.model;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a decoder computes, whatever its config called it. One forward pass ({@link Decoder}) serves every family; a family is
 * a row in {@link Families}.
 *
 * @param family {@code model_type} of the config
 * @param hidden width of the residual stream
 * @param intermediate width of the MLP; of one expert where every block has experts
 * @param contextLength positions the model was trained for
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
        Head head,
        Order order,
        boolean finalNorm,
        boolean inputMajor,
        Names names) {
    /** How norms, attention and MLP follow each other, with N1, N2 the norms of attention and MLP. */
    public enum Order {
        /** x + attention(N1 x), then x + mlp(N2 x). */
        SEQUENTIAL,
        /** x + attention(N1 x) + mlp(N2 x); without a name for N2, N1 serves both. */
        PARALLEL,
        /** N1(x + attention(x)), then N2(x + mlp(x)). */
        POST_NORM
    }

    /** How a token knows where it stands. */
    public sealed interface Positions permits Rope, Learned, Alibi {}

    /** A learned vector per position, added to the embedding; position p is row p + offset of {@code rows}. */
    public record Learned(int offset, int rows) implements Positions {}

    /**
     * Scores plus slope * key position, a slope per head (arXiv:2108.12409).
     *
     * @param scale of the added term: 1, or 1 / sqrt(headDim) in Falcon
     * @param rounded slopes and products are rounded to bfloat16, as in Falcon
     */
    public record Alibi(double scale, boolean rounded) implements Positions {
        /** What is added to the scores, (heads, keys). */
        public float[] added(int heads, int keys) {
            double[] slopes = slopes(heads);
            float[] added = new float[heads * keys];
            for (int h = 0; h < heads; h++) {
                float slope = rounded((float) slopes[h]);
                for (int key = 0; key < keys; key++) {
                    added[h * keys + key] = (float) (rounded(slope * key) * scale);
                }
            }
            return added;
        }

        private float rounded(float value) {
            if (!rounded) {
                return value;
            }
            int bits = Float.floatToRawIntBits(value);
            return Float.intBitsToFloat((bits + 0x7fff + (bits >>> 16 & 1)) & 0xffff0000);
        }

        /** n = 2^floor(log2 heads) of them are 2^(-8 i/n); the others odd powers of 2^(-8 / (2 n)). */
        static double[] slopes(int heads) {
            int n = Integer.highestOneBit(heads);
            double[] slopes = new double[heads];
            for (int i = 0; i < heads; i++) {
                slopes[i] = i < n ? Math.pow(2, -8.0 * (i + 1) / n) : Math.pow(2, -4.0 * (2 * (i - n) + 1) / n);
            }
            return slopes;
        }
    }

    /** How the rows of q, k and v are stored. */
    public enum Projection {
        /** Three linears. */
        SEPARATE,
        /** One linear, rows [q of all heads; k; v]. */
        STACKED,
        /** One linear, for each key head [q of the heads that share it; k; v]. */
        GROUPED
    }

    /** How queries and keys are normed before they are turned. */
    public enum HeadNorm {
        NONE,
        /** RMSNorm of each head, all with the same gains. */
        RMS,
        /** LayerNorm without bias of each head, with gains of its own. */
        LAYER,
        /** RMSNorm of all heads together. */
        WHOLE
    }

    /**
     * Attention.
     *
     * @param causal a token sees itself and those before it; else all, as in an encoder
     * @param kvHeads key and value heads; query head h uses number h / (heads / kvHeads)
     * @param headDim width of one head, not always hidden / heads
     * @param scale of the scores
     * @param softcap c in c tanh(score / c); 0 for none
     * @param window in local layers a token sees this many tokens, itself included; 0: there are none
     * @param windowed which layers are local; empty: all
     * @param localPositions of local layers; null: as in the others
     * @param clip q, k and v are clipped to this absolute value after their norms; 0: they are not
     */
    public record Attention(
            boolean causal,
            int heads,
            int kvHeads,
            int headDim,
            Positions positions,
            double scale,
            double softcap,
            int window,
            List<Boolean> windowed,
            @Nullable Positions localPositions,
            boolean qkvBias,
            boolean outputBias,
            HeadNorm headNorm,
            double clip,
            Projection projection) {
        /** True if a token sees its window only. */
        public boolean local(int layer) {
            return window > 0 && (windowed.isEmpty() || windowed.get(layer));
        }

        /** Positions of a local layer or of another. */
        public Positions positions(boolean local) {
            return local && localPositions != null ? localPositions : positions;
        }

        /** Query heads that use the same key head. */
        public int share() {
            return heads / kvHeads;
        }

        public int queryWidth() {
            return heads * headDim;
        }

        public int keyWidth() {
            return kvHeads * headDim;
        }
    }

    /**
     * The MLP.
     *
     * @param gated down(act(gate x) * up x) instead of down(act(up x)); under one name, gate and up are one linear [gate; up]
     * @param experts in place of the one MLP, in the layers that have them
     */
    public record Mlp(
            boolean gated,
            Activation activation,
            boolean bias,
            @Nullable Experts experts) {}

    /**
     * A mixture of experts: y = sum over the chosen e of w_e expert_e(x), and perhaps shared experts that see every token.
     * p = softmax(router x) in float32; the {@code perToken} largest are chosen, ties by the lower index.
     *
     * @param width of one expert
     * @param normalized the chosen p are divided by their sum
     * @param scale of the chosen p
     * @param sharedWidth of all shared experts together; 0 for none
     * @param sparse which layers have experts; the others have one MLP
     * @param router tensor name below the block, and so on; {@code expert} has %d for the number
     * @param gate names below an expert
     * @param sharedGate name of the linear whose sigmoid weighs the shared experts; empty: they count fully
     */
    public record Experts(
            int count,
            int perToken,
            int width,
            boolean normalized,
            double scale,
            int sharedWidth,
            List<Boolean> sparse,
            String router,
            String expert,
            String gate,
            String up,
            String down,
            String shared,
            String sharedGate) {}

    /**
     * The norms of the residual stream.
     *
     * @param rms RMSNorm, else LayerNorm
     * @param bias added at the end
     * @param offset what is added to the stored weight: 1 in Gemma
     */
    public record Norm(boolean rms, boolean bias, double offset, double eps) {}

    /**
     * Token embedding.
     *
     * @param width columns; where it is not hidden, a projection leads into the blocks and another one out
     * @param tied the head is the embedding
     * @param scale what the embedded tokens are multiplied by
     * @param types rows of the table of token types; 0 where there is none
     */
    public record Embedding(int vocabulary, int width, boolean tied, double scale, int types) {}

    /**
     * From the last residual stream to logits.
     *
     * @param scale what the logits are multiplied by
     * @param softcap c in c tanh(logit / c), after the scale; 0 for none
     */
    public record Head(boolean bias, double scale, double softcap) {}

    /**
     * Names of the tensors, without {@code .weight} and {@code .bias}; empty: there is none.
     *
     * @param tokenTypes a table whose row 0 is added to the embedding of every token
     * @param embeddingNorm between embedding and blocks
     * @param block prefix of a block, with %d for its number; the names below it are relative to that
     * @param attentionOutputNorm of what attention gives, before it is added
     * @param mlpOutputNorm of what the MLP gives, before it is added
     * @param qkv three names, or one if fused
     * @param queryNorm with %d for the head where each has a tensor of its own
     * @param up gate and up, or one if the MLP is not gated or has both in one
     */
    public record Names(
            String embedding,
            String tokenTypes,
            String embeddingNorm,
            String positions,
            String finalNorm,
            String head,
            String projectIn,
            String projectOut,
            String block,
            String attentionNorm,
            String attentionOutputNorm,
            String mlpNorm,
            String mlpOutputNorm,
            List<String> qkv,
            String output,
            String queryNorm,
            String keyNorm,
            List<String> up,
            String down) {}

    /** True if it gives hidden values of a text and no logits. */
    public boolean encoder() {
        return !attention.causal();
    }

    /** True if projections lead from the embedding into the blocks and out of them. */
    public boolean projected() {
        return embedding.width() != hidden;
    }

    /** True if the norms follow the residual additions instead of preceding attention and MLP. */
    public boolean postNorm() {
        return order == Order.POST_NORM;
    }

    /** True if one norm makes the inputs of both attention and MLP. */
    public boolean sharedNorm() {
        return order == Order.PARALLEL && names.mlpNorm().isEmpty();
    }

    /** True if what attention's output projection and the MLP's last linear give is added to the residual stream as it is. */
    public boolean addsPlainly() {
        return !postNorm()
                && names.attentionOutputNorm().isEmpty()
                && names.mlpOutputNorm().isEmpty();
    }

    /** The experts of a layer; null where it has one MLP. */
    public @Nullable Experts experts(int layer) {
        Experts experts = mlp.experts();
        return experts != null && experts.sparse().get(layer) ? experts : null;
    }

    public String blockName(int index) {
        return names.block().formatted(index);
    }

    /** The names of a block's norms of the residual stream and of what is added to it. */
    List<String> norms(int index) {
        List<String> all = new ArrayList<>();
        for (String name :
                List.of(names.attentionNorm(), names.attentionOutputNorm(), names.mlpNorm(), names.mlpOutputNorm())) {
            if (!name.isEmpty()) {
                all.add(blockName(index) + "." + name);
            }
        }
        return all;
    }

    /** The inputs of a block's stages. */
    public List<Junction> junctions(int index) {
        return new BlockLayout(this, index).junctions();
    }

    /** Linears of a block by stage, in the order in which they run. */
    public List<List<LinearSite>> stages(int index) {
        return new BlockLayout(this, index).stages();
    }

    /** Channels of the input of a stage: the inputs of all its linears side by side where they do not share one. */
    public int width(int index, int stage) {
        Experts experts = experts(index);
        return switch (stage) {
            case 0, 2 -> hidden;
            case 1 -> attention.queryWidth();
            default -> experts == null ? intermediate : experts.perToken() * experts.width() + experts.sharedWidth();
        };
    }
}
