package dev.halftone.model;

import dev.halftone.model.DecoderSpec.Alibi;
import dev.halftone.model.DecoderSpec.Learned;
import dev.halftone.model.DecoderSpec.Order;
import dev.halftone.model.DecoderSpec.Projection;
import java.util.List;

/** Families whose tensors have names of their own. One method is one row of {@link Families}. */
final class OwnNames {
    private OwnNames() {}

    /** OPT: learned positions from row 2 on, LayerNorm; the 350m model norms after the additions and projects its embedding. */
    static DecoderSpec opt(ConfigReader config) {
        Draft draft = new Draft(config, "opt");
        String root = config.prefix("model.decoder.", "decoder.", "embed_tokens.weight");
        boolean before = config.flag("do_layer_norm_before", true);
        wholeHeads(draft);
        config.check(
                config.flag("layer_norm_elementwise_affine", true),
                "layer_norm_elementwise_affine false is not supported");
        draft.context = config.positive("max_position_embeddings");
        draft.intermediate = config.positive("ffn_dim");
        draft.layerNorm("");
        boolean bias = config.flag("enable_bias", true);
        draft.biases(bias);
        draft.plainMlp(config.activation("activation_function", "relu"), bias, "fc1", "fc2");
        draft.positions = new Learned(2, draft.context + 2);
        draft.width = config.positive("word_embed_proj_dim", draft.hidden);
        draft.tied = config.flag("tie_word_embeddings", true);
        draft.order = before ? Order.SEQUENTIAL : Order.POST_NORM;
        draft.finalNorm = before && !config.flag("_remove_final_layer_norm", false);
        draft.embedding = root + "embed_tokens";
        draft.positionEmbedding = root + "embed_positions";
        draft.lastNorm = root + "final_layer_norm";
        draft.projectIn = root + "project_in";
        draft.projectOut = root + "project_out";
        draft.block = root + "layers.%d";
        draft.attentionNorm = "self_attn_layer_norm";
        draft.mlpNorm = "final_layer_norm";
        draft.output = "self_attn.out_proj";
        return draft.spec();
    }

    private static void wholeHeads(Draft draft) {
        draft.config()
                .check(
                        draft.hidden % draft.heads == 0,
                        "a width of %d is no multiple of %d heads",
                        draft.hidden,
                        draft.heads);
    }

    /** GPT-2: learned positions, one fused qkv, weights stored (in, out). */
    static DecoderSpec gpt2(ConfigReader config) {
        Draft draft = new Draft(config, "gpt2");
        String root = config.prefix("transformer.", "", "wte.weight");
        wholeHeads(draft);
        config.check(config.flag("scale_attn_weights", true), "scale_attn_weights false is not supported");
        config.check(
                !config.flag("scale_attn_by_inverse_layer_idx", false),
                "scale_attn_by_inverse_layer_idx true is not supported");
        draft.context = config.positive("n_positions");
        draft.intermediate = config.positive("n_inner", 4 * draft.hidden);
        draft.layerNorm("layer_norm_epsilon");
        draft.biases(true);
        draft.plainMlp(config.activation("activation_function", "gelu_new"), true, "mlp.c_fc", "mlp.c_proj");
        draft.positions = new Learned(0, draft.context);
        draft.fused(Projection.STACKED, "attn.c_attn");
        draft.tied = config.flag("tie_word_embeddings", true);
        draft.inputMajor = true;
        draft.embedding = root + "wte";
        draft.positionEmbedding = root + "wpe";
        draft.lastNorm = root + "ln_f";
        draft.block = root + "h.%d";
        draft.attentionNorm = "ln_1";
        draft.mlpNorm = "ln_2";
        draft.output = "attn.c_proj";
        return draft.spec();
    }

    /** What BLOOM, Falcon and GPT-NeoX share: LayerNorm, one fused qkv, a plain MLP of these names. */
    private static Draft fused(ConfigReader config, String family, String attention) {
        Draft draft = new Draft(config, family);
        wholeHeads(draft);
        draft.kvHeads = draft.heads;
        draft.fused(Projection.GROUPED, attention + ".query_key_value");
        draft.output = attention + ".dense";
        draft.plainMlp(Activation.GELU, true, "mlp.dense_h_to_4h", "mlp.dense_4h_to_h");
        return draft;
    }

    private static void names(Draft draft, String root) {
        draft.embedding = root + "word_embeddings";
        draft.lastNorm = root + "ln_f";
        draft.block = root + "h.%d";
    }

    /** BLOOM: a norm behind the embedding, and slopes instead of positions. */
    static DecoderSpec bloom(ConfigReader config) {
        Draft draft = fused(config, "bloom", "self_attention");
        String root = config.prefix("transformer.", "", "word_embeddings.weight");
        names(draft, root);
        config.check(
                !config.flag("apply_residual_connection_post_layernorm", false),
                "apply_residual_connection_post_layernorm true is not supported");
        draft.context = config.positive("seq_length", draft.context);
        draft.intermediate = 4 * draft.hidden;
        draft.layerNorm("layer_norm_epsilon");
        draft.biases(true);
        draft.activation = Activation.GELU_TANH;
        draft.positions = new Alibi(1, false);
        draft.tied = config.flag("tie_word_embeddings", true);
        draft.embeddingNorm = root + "word_embeddings_layernorm";
        return draft.spec();
    }

    /** Falcon: 7B with one key head, 40B and 180B with groups and two norms, 11B with groups and one, RW sequential with slopes. */
    static DecoderSpec falcon(ConfigReader config) {
        Draft draft = fused(config, "falcon", "self_attention");
        String root = config.prefix("transformer.", "", "word_embeddings.weight");
        names(draft, root);
        boolean grouped = config.flag("new_decoder_architecture", false);
        boolean single = !grouped && config.flag("multi_query", true);
        boolean parallel = grouped || config.flag("parallel_attn", true);
        draft.kvHeads = grouped
                ? config.positive("num_kv_heads", config.positive("n_head_kv", draft.heads))
                : single ? 1 : draft.heads;
        draft.projection = single ? Projection.STACKED : Projection.GROUPED;
        draft.intermediate = config.positive("ffn_hidden_size", 4 * draft.hidden);
        draft.layerNorm("layer_norm_epsilon");
        draft.biases(config.flag("bias", false));
        draft.activation = config.activation("activation", "gelu");
        draft.tied = config.flag("tie_word_embeddings", true);
        draft.positions = config.flag("alibi", false)
                ? new Alibi(1 / Math.sqrt(draft.headDim), true)
                : config.rope(draft.headDim, 1e4, draft.context);
        if (parallel) {
            draft.order = Order.PARALLEL;
            boolean two = grouped && config.positive("num_ln_in_parallel_attn", 2) == 2;
            draft.attentionNorm = two ? "ln_attn" : "input_layernorm";
            draft.mlpNorm = two ? "ln_mlp" : "";
        }
        return draft.spec();
    }

    /** GPT-NeoX and Pythia: attention and MLP side by side, each behind its own norm. */
    static DecoderSpec gptNeox(ConfigReader config) {
        Draft draft = fused(config, "gpt_neox", "attention");
        String root = config.prefix("gpt_neox.", "", "embed_in.weight");
        draft.layerNorm("layer_norm_eps");
        boolean bias = config.flag("attention_bias", true);
        draft.qkvBias = bias;
        draft.outputBias = bias;
        draft.activation = config.activation("hidden_act", "gelu");
        draft.order = config.flag("use_parallel_residual", true) ? Order.PARALLEL : Order.SEQUENTIAL;
        int dim = (int) (draft.headDim * config.rotated(0.25));
        config.check(dim > 0 && dim % 2 == 0, "%d dimensions of a head are turned; expected an even number", dim);
        draft.positions = config.rope(dim, config.number("rotary_emb_base", 1e4), draft.context);
        draft.embedding = root + "embed_in";
        draft.lastNorm = root + "final_layer_norm";
        draft.head = "embed_out";
        draft.block = root + "layers.%d";
        return draft.spec();
    }

    /** ChatGLM 2 and 3, and GLM-4 in the layout of its own code: q, k, v in one linear, gate and up in another. */
    static DecoderSpec chatGlm(ConfigReader config) {
        Draft draft = new Draft(config, "chatglm");
        config.check(config.flag("rmsnorm", true), "rmsnorm false is not supported");
        config.check(config.flag("post_layer_norm", true), "post_layer_norm false is not supported");
        config.check(
                !config.flag("apply_residual_connection_post_layernorm", false),
                "apply_residual_connection_post_layernorm true is not supported");
        draft.headDim = config.positive("kv_channels", draft.headDim);
        draft.kvHeads =
                config.flag("multi_query_attention", false) ? config.positive("multi_query_group_num") : draft.heads;
        draft.intermediate = config.positive("ffn_hidden_size");
        draft.context = config.positive("seq_length", draft.context);
        draft.eps = config.number("layernorm_epsilon", 1e-5);
        draft.biases(config.flag("add_bias_linear", false));
        draft.qkvBias |= config.flag("add_qkv_bias", false);
        draft.fused(Projection.STACKED, "self_attention.query_key_value");
        draft.output = "self_attention.dense";
        draft.up = List.of("mlp.dense_h_to_4h");
        draft.down = "mlp.dense_4h_to_h";
        config.check(draft.headDim % 4 == 0, "kv_channels is %d; half of it has to be even", draft.headDim);
        double theta = 1e4 * config.number("rope_ratio", 1);
        draft.positions = new Rope(draft.headDim / 2, theta, new Rope.None(), true);
        String root = "transformer.";
        draft.embedding = root + "embedding.word_embeddings";
        draft.lastNorm = root + "encoder.final_layernorm";
        draft.head = root + "output_layer";
        draft.block = root + "encoder.layers.%d";
        return draft.spec();
    }

    /** BERT and what has its tensors (MiniLM, E5, BGE): an encoder, whose tokens see all others; token types are those of one text. */
    static DecoderSpec bert(ConfigReader config) {
        Draft draft = new Draft(config, "bert");
        String root = config.prefix("", "bert.", "embeddings.word_embeddings.weight");
        wholeHeads(draft);
        config.check(
                config.string("position_embedding_type", "absolute").equals("absolute"),
                "position_embedding_type is \"%s\"; known is absolute",
                config.string("position_embedding_type", ""));
        draft.causal = false;
        draft.layerNorm("layer_norm_eps");
        draft.eps = config.number("layer_norm_eps", 1e-12);
        draft.biases(true);
        draft.plainMlp(config.activation("hidden_act", "gelu"), true, "intermediate.dense", "output.dense");
        draft.context = config.positive("max_position_embeddings", 512);
        draft.positions = new Learned(0, draft.context);
        draft.tied = true;
        draft.types = config.positive("type_vocab_size", 2);
        draft.order = Order.POST_NORM;
        draft.finalNorm = false;
        draft.embedding = root + "embeddings.word_embeddings";
        draft.positionEmbedding = root + "embeddings.position_embeddings";
        draft.tokenTypes = root + "embeddings.token_type_embeddings";
        draft.embeddingNorm = root + "embeddings.LayerNorm";
        draft.block = root + "encoder.layer.%d";
        draft.attentionNorm = "attention.output.LayerNorm";
        draft.mlpNorm = "output.LayerNorm";
        draft.qkv = List.of("attention.self.query", "attention.self.key", "attention.self.value");
        draft.output = "attention.output.dense";
        return draft.spec();
    }
}
