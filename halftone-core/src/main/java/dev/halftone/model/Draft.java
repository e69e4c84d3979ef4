package dev.halftone.model;

import dev.halftone.model.DecoderSpec.Attention;
import dev.halftone.model.DecoderSpec.Embedding;
import dev.halftone.model.DecoderSpec.Experts;
import dev.halftone.model.DecoderSpec.Head;
import dev.halftone.model.DecoderSpec.HeadNorm;
import dev.halftone.model.DecoderSpec.Mlp;
import dev.halftone.model.DecoderSpec.Names;
import dev.halftone.model.DecoderSpec.Norm;
import dev.halftone.model.DecoderSpec.Order;
import dev.halftone.model.DecoderSpec.Positions;
import dev.halftone.model.DecoderSpec.Projection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A {@link DecoderSpec} in the making. It begins as Llama, from the keys that most configs share; a family's row changes what is
 * different. Fields mean what the records' components of the same name say.
 */
final class Draft {
    private final ConfigReader config;
    private final String family;
    final int layers;
    final int hidden;
    int intermediate;
    int context;

    boolean causal = true;
    final int heads;
    int kvHeads;
    int headDim;

    @Nullable
    Positions positions;

    double attentionScale;
    double softcap;
    int window;
    List<Boolean> windowed = List.of();

    @Nullable
    Positions localPositions;

    boolean qkvBias;
    boolean outputBias;
    HeadNorm headNorm = HeadNorm.NONE;
    double clip;
    Projection projection = Projection.SEPARATE;

    boolean gated = true;
    Activation activation = Activation.SILU;
    boolean mlpBias;

    @Nullable
    Experts experts;

    boolean rms = true;
    boolean normBias;
    double normOffset;
    double eps;

    int vocabulary;
    int width;
    boolean tied;
    double embeddingScale = 1;
    int types;
    boolean headBias;
    double logitScale = 1;
    double logitSoftcap;
    Order order = Order.SEQUENTIAL;
    boolean finalNorm = true;
    boolean inputMajor;

    String embedding = "model.embed_tokens";
    String tokenTypes = "";
    String embeddingNorm = "";
    String positionEmbedding = "";
    String lastNorm = "model.norm";
    String head = "lm_head";
    String projectIn = "";
    String projectOut = "";
    String block = "model.layers.%d";
    String attentionNorm = "input_layernorm";
    String attentionOutputNorm = "";
    String mlpNorm = "post_attention_layernorm";
    String mlpOutputNorm = "";
    List<String> qkv = List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj");
    String output = "self_attn.o_proj";
    String queryNorm = "self_attn.q_norm";
    String keyNorm = "self_attn.k_norm";
    List<String> up = List.of("mlp.gate_proj", "mlp.up_proj");
    String down = "mlp.down_proj";

    /** Sizes from the keys under any of their names. */
    Draft(ConfigReader config, String family) {
        this.config = config;
        this.family = family;
        layers = config.positive(List.of("num_hidden_layers", "n_layer", "num_layers"));
        hidden = config.positive(List.of("hidden_size", "n_embd", "n_embed"));
        heads = config.positive(List.of("num_attention_heads", "n_head"));
        kvHeads = config.positive("num_key_value_heads", heads);
        headDim = Math.max(1, hidden / heads);
        intermediate = config.positive("intermediate_size", 4 * hidden);
        context = config.positive("max_position_embeddings", 2048);
        eps = config.number("rms_norm_eps", 1e-6);
        vocabulary = config.positive(List.of("vocab_size", "padded_vocab_size"));
        width = hidden;
        tied = config.flag("tie_word_embeddings", false);
    }

    /** The config that this comes from. */
    ConfigReader config() {
        return config;
    }

    /** Width of a head from its own key, or the heads' share of the residual stream. */
    void headWidth() {
        headDim = config.positive("head_dim", headDim);
    }

    /** Rotary positions over the whole head. */
    void rope() {
        config.check(headDim % 2 == 0, "head_dim is %d; rotary embedding needs an even number", headDim);
        positions = config.rope(headDim, 1e4, context);
    }

    /** LayerNorm with bias, its eps under any of these keys. */
    void layerNorm(String epsKey) {
        rms = false;
        normBias = true;
        eps = config.number(epsKey, 1e-5);
    }

    /** One linear for q, k and v. */
    void fused(Projection rows, String name) {
        projection = rows;
        qkv = List.of(name);
    }

    /** down(act(up x)). */
    void plainMlp(Activation function, boolean bias, String upName, String downName) {
        gated = false;
        activation = function;
        mlpBias = bias;
        up = List.of(upName);
        down = downName;
    }

    /** Biases of all linears alike. */
    void biases(boolean everywhere) {
        qkvBias = everywhere;
        outputBias = everywhere;
        mlpBias = everywhere;
    }

    DecoderSpec spec() {
        config.check(
                heads % kvHeads == 0,
                "num_attention_heads is %d, no multiple of num_key_value_heads %d",
                heads,
                kvHeads);
        Positions known = positions;
        if (known == null) {
            throw new IllegalStateException(family + " has no positions");
        }
        return new DecoderSpec(
                family,
                layers,
                hidden,
                intermediate,
                context,
                new Attention(
                        causal,
                        heads,
                        kvHeads,
                        headDim,
                        known,
                        attentionScale == 0 ? 1 / Math.sqrt(headDim) : attentionScale,
                        softcap,
                        window,
                        windowed,
                        localPositions,
                        qkvBias,
                        outputBias,
                        headNorm,
                        clip,
                        projection),
                new Mlp(gated, activation, mlpBias, experts),
                new Norm(rms, normBias, normOffset, eps),
                new Embedding(vocabulary, width, tied, embeddingScale, types),
                new Head(headBias, logitScale, logitSoftcap),
                order,
                finalNorm,
                inputMajor,
                names());
    }

    private Names names() {
        return new Names(
                embedding,
                tokenTypes,
                embeddingNorm,
                positionEmbedding,
                lastNorm,
                head,
                projectIn,
                projectOut,
                block,
                attentionNorm,
                attentionOutputNorm,
                mlpNorm,
                mlpOutputNorm,
                qkv,
                output,
                queryNorm,
                keyNorm,
                up,
                down);
    }
}
