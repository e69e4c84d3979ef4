package dev.halftone.model;

import dev.halftone.model.DecoderSpec.HeadNorm;
import dev.halftone.model.DecoderSpec.Order;
import dev.halftone.model.DecoderSpec.Projection;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Families whose tensors have Llama's names, or nearly. One method is one row of {@link Families}. */
final class LlamaKin {
    private LlamaKin() {}

    /** Llama 1 to 3, Vicuna, LongChat, Yi, SmolLM2: RMSNorm, rotary positions, gated MLP. */
    static DecoderSpec llama(ConfigReader config) {
        return llamaDraft(config, "llama").spec();
    }

    static Draft llamaDraft(ConfigReader config, String family) {
        Draft draft = new Draft(config, family);
        draft.intermediate = config.positive("intermediate_size");
        draft.headWidth();
        draft.rope();
        boolean bias = config.flag("attention_bias", false);
        draft.qkvBias = bias;
        draft.outputBias = bias;
        draft.mlpBias = config.flag("mlp_bias", false);
        draft.activation = config.activation("hidden_act", "silu");
        return draft;
    }

    static DecoderSpec mistral(ConfigReader config) {
        return mistralDraft(config, "mistral").spec();
    }

    /** A window in every layer, if there is one. */
    static Draft mistralDraft(ConfigReader config, String family) {
        Draft draft = llamaDraft(config, family);
        draft.biases(false);
        draft.window = config.count("sliding_window", 0);
        return draft;
    }

    /** Biases on q, k and v alone, which the config does not say. */
    static DecoderSpec qwen2(ConfigReader config) {
        return qwen2Draft(config, "qwen2").spec();
    }

    static Draft qwen2Draft(ConfigReader config, String family) {
        Draft draft = llamaDraft(config, family);
        draft.biases(false);
        draft.qkvBias = config.flag("qkv_bias", true);
        lateWindow(draft);
        return draft;
    }

    /** Queries and keys are RMS-normed per head. */
    static DecoderSpec qwen3(ConfigReader config) {
        return qwen3Draft(config, "qwen3").spec();
    }

    static Draft qwen3Draft(ConfigReader config, String family) {
        Draft draft = llamaDraft(config, family);
        draft.mlpBias = false;
        draft.headDim = config.positive("head_dim", 128);
        draft.rope();
        draft.headNorm = HeadNorm.RMS;
        lateWindow(draft);
        return draft;
    }

    /** Qwen's window: in the layers from max_window_layers on, where it is used at all. */
    private static void lateWindow(Draft draft) {
        ConfigReader config = draft.config();
        if (config.flag("use_sliding_window", false)) {
            int first = config.count("max_window_layers", 28);
            draft.window = config.count("sliding_window", 0);
            draft.windowed = windowed(draft, "sliding_attention", i -> i >= first);
        }
    }

    /** Which layers are local: what the config lists, or a rule. */
    private static List<Boolean> windowed(Draft draft, String local, IntPredicate rule) {
        List<String> listed = draft.config().strings("layer_types");
        draft.config()
                .check(
                        listed.isEmpty() || listed.size() == draft.layers,
                        "\"layer_types\" has %d entries for %d layers",
                        listed.size(),
                        draft.layers);
        return IntStream.range(0, draft.layers)
                .mapToObj(i -> listed.isEmpty() ? rule.test(i) : listed.get(i).equals(local))
                .toList();
    }

    /** Norms with gains 1 + w, an embedding times sqrt(hidden), the tanh form of GELU whatever the config calls it. */
    private static Draft gemmaDraft(ConfigReader config, String family) {
        Draft draft = llamaDraft(config, family);
        draft.headDim = config.positive("head_dim", 256);
        draft.rope();
        draft.mlpBias = false;
        draft.normOffset = 1;
        draft.embeddingScale = Math.sqrt(draft.hidden);
        draft.tied = config.flag("tie_word_embeddings", true);
        Activation named = config.activation("hidden_activation", "gelu_pytorch_tanh");
        draft.activation = named == Activation.GELU ? Activation.GELU_TANH : named;
        return draft;
    }

    static DecoderSpec gemma(ConfigReader config) {
        return gemmaDraft(config, "gemma").spec();
    }

    /** Norms around attention and MLP, capped scores and logits, a window in every second layer. */
    static DecoderSpec gemma2(ConfigReader config) {
        Draft draft = sandwich(gemmaDraft(config, "gemma2"));
        draft.softcap = config.has("attn_logit_softcapping") ? config.number("attn_logit_softcapping", 0) : 0;
        draft.logitSoftcap = config.has("final_logit_softcapping") ? config.number("final_logit_softcapping", 0) : 0;
        draft.window = config.count("sliding_window", 4096);
        draft.windowed = windowed(draft, "sliding_attention", i -> i % 2 == 0);
        return draft.spec();
    }

    private static Draft sandwich(Draft draft) {
        draft.attentionScale = 1 / Math.sqrt(draft.config().number("query_pre_attn_scalar", 256));
        draft.attentionOutputNorm = "post_attention_layernorm";
        draft.mlpNorm = "pre_feedforward_layernorm";
        draft.mlpOutputNorm = "post_feedforward_layernorm";
        return draft;
    }

    static DecoderSpec gemma3(ConfigReader config) {
        return gemma3Draft(config, "gemma3_text").spec();
    }

    /** As Gemma 2 with normed queries and keys instead of caps; five local layers, which turn by a table of their own, for one other. */
    private static Draft gemma3Draft(ConfigReader config, String family) {
        Draft draft = sandwich(gemmaDraft(config, family));
        draft.headNorm = HeadNorm.RMS;
        draft.logitSoftcap = config.has("final_logit_softcapping") ? config.number("final_logit_softcapping", 0) : 0;
        draft.softcap = config.has("attn_logit_softcapping") ? config.number("attn_logit_softcapping", 0) : 0;
        draft.window = config.count("sliding_window", 4096);
        int pattern = config.positive("sliding_window_pattern", 6);
        draft.windowed = windowed(draft, "sliding_attention", i -> (i + 1) % pattern != 0);
        int dim = draft.headDim;
        if (config.ropePerLayerType()) {
            draft.positions = config.rope("full_attention", dim, 1e6, draft.context);
            draft.localPositions = config.rope("sliding_attention", dim, 1e4, draft.context);
        } else {
            draft.positions = config.rope(dim, 1e6, draft.context);
            draft.localPositions = new Rope(dim, config.number("rope_local_base_freq", 1e4), new Rope.None());
        }
        return draft;
    }

    /** The text half of a model that also sees: its own config below text_config, where defaults are left out; a prefix before its names. */
    static DecoderSpec gemma3Multimodal(ConfigReader config) {
        ConfigReader text = config.below(
                "text_config",
                Map.of("num_attention_heads", 8, "num_key_value_heads", 4, "vocab_size", 262208, "hidden_size", 2304));
        Draft draft = gemma3Draft(text, "gemma3");
        String root = config.prefix("language_model.model.", "model.language_model.", "embed_tokens.weight");
        draft.embedding = root + "embed_tokens";
        draft.lastNorm = root + "norm";
        draft.block = root + "layers.%d";
        return draft.spec();
    }

    /** Command-R: LayerNorm without bias, attention and MLP side by side behind one norm, logits scaled. */
    static DecoderSpec cohere(ConfigReader config) {
        Draft draft = llamaDraft(config, "cohere");
        draft.layerNorm("layer_norm_eps");
        draft.normBias = false;
        draft.order = Order.PARALLEL;
        draft.mlpNorm = "";
        draft.tied = config.flag("tie_word_embeddings", true);
        draft.positions = interleaved(config.rope(draft.headDim, 1e4, draft.context));
        draft.logitScale = config.number("logit_scale", 0.0625);
        draft.headNorm = config.flag("use_qk_norm", false) ? HeadNorm.LAYER : HeadNorm.NONE;
        return draft.spec();
    }

    static Rope interleaved(Rope rope) {
        return new Rope(rope.dim(), rope.theta(), rope.scaling(), true);
    }

    /** Turns the leading share of every head. */
    static void partialRope(Draft draft, double absent) {
        int dim = (int) (draft.headDim * draft.config().rotated(absent));
        draft.config()
                .check(dim > 0 && dim % 2 == 0, "%d dimensions of a head are turned; expected an even number", dim);
        draft.positions = draft.config().rope(dim, 1e4, draft.context);
    }

    /** Phi 1 to 2: biases everywhere, in the head too; attention and MLP side by side behind one norm. */
    static DecoderSpec phi(ConfigReader config) {
        Draft draft = new Draft(config, "phi");
        config.check(!config.flag("qk_layernorm", false), "qk_layernorm true is not supported for phi");
        draft.layerNorm("layer_norm_eps");
        draft.biases(true);
        draft.headBias = true;
        draft.order = Order.PARALLEL;
        draft.mlpNorm = "";
        draft.lastNorm = "model.final_layernorm";
        draft.output = "self_attn.dense";
        draft.plainMlp(config.activation("hidden_act", "gelu_new"), true, "mlp.fc1", "mlp.fc2");
        partialRope(draft, 0.5);
        return draft.spec();
    }

    /** Phi 3 and 4: q, k, v in one linear, gate and up in another. */
    static DecoderSpec phi3(ConfigReader config) {
        Draft draft = llamaDraft(config, "phi3");
        draft.biases(false);
        draft.fused(Projection.STACKED, "self_attn.qkv_proj");
        draft.up = List.of("mlp.gate_up_proj");
        draft.window = config.count("sliding_window", 0);
        partialRope(draft, 1);
        return draft.spec();
    }

    /** LayerNorm; the 12B model norms queries and keys per head, and has attention and MLP side by side. */
    static DecoderSpec stableLm(ConfigReader config) {
        Draft draft = llamaDraft(config, "stablelm");
        draft.layerNorm("layer_norm_eps");
        draft.qkvBias = config.flag("use_qkv_bias", false);
        draft.outputBias = false;
        draft.mlpBias = false;
        if (config.flag("use_parallel_residual", false)) {
            draft.order = Order.PARALLEL;
            draft.mlpNorm = "";
        }
        if (config.flag("qk_layernorm", false)) {
            draft.headNorm = HeadNorm.LAYER;
            draft.queryNorm = "self_attn.q_layernorm.norms.%d";
            draft.keyNorm = "self_attn.k_layernorm.norms.%d";
        }
        partialRope(draft, 0.25);
        return draft.spec();
    }

    /** StarCoder2: LayerNorm, a plain MLP, biases everywhere. */
    static DecoderSpec starCoder2(ConfigReader config) {
        Draft draft = new Draft(config, "starcoder2");
        boolean bias = config.flag("use_bias", true);
        draft.layerNorm("norm_epsilon");
        draft.biases(bias);
        draft.plainMlp(config.activation("hidden_act", "gelu_pytorch_tanh"), bias, "mlp.c_fc", "mlp.c_proj");
        draft.window = config.count("sliding_window", 0);
        draft.tied = config.flag("tie_word_embeddings", true);
        draft.rope();
        return draft.spec();
    }

    /** GLM-4 in the layout of transformers. */
    static DecoderSpec glm(ConfigReader config) {
        return glmDraft(config, "glm").spec();
    }

    private static Draft glmDraft(ConfigReader config, String family) {
        Draft draft = llamaDraft(config, family);
        draft.headDim = config.positive("head_dim", 128);
        draft.biases(false);
        draft.qkvBias = config.flag("attention_bias", false);
        draft.up = List.of("mlp.gate_up_proj");
        partialRope(draft, 0.5);
        draft.positions = draft.positions instanceof Rope rope ? interleaved(rope) : draft.positions;
        return draft;
    }

    /** GLM-4-0414 and GLM-Z1: as GLM-4, and what attention and MLP give is normed before it is added. */
    static DecoderSpec glm4(ConfigReader config) {
        Draft draft = glmDraft(config, "glm4");
        draft.attentionOutputNorm = "post_self_attn_layernorm";
        draft.mlpOutputNorm = "post_mlp_layernorm";
        return draft.spec();
    }
}
