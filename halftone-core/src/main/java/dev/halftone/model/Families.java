package dev.halftone.model;

import dev.halftone.error.InputException;
import dev.halftone.model.DecoderSpec.Attention;
import dev.halftone.model.DecoderSpec.Embedding;
import dev.halftone.model.DecoderSpec.Learned;
import dev.halftone.model.DecoderSpec.Mlp;
import dev.halftone.model.DecoderSpec.Names;
import dev.halftone.model.DecoderSpec.Norm;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/** The families that are known: each row turns a config.json into a {@link DecoderSpec}. */
public final class Families {
    private static final Map<String, Row> ROWS = new TreeMap<>(Map.of(
            "llama", config -> llamaLike(config, "llama", config.flag("attention_bias", false), false),
            "mistral", config -> llamaLike(config, "mistral", false, false),
            "qwen2", config -> llamaLike(config, "qwen2", true, false),
            "qwen3", config -> llamaLike(config, "qwen3", config.flag("attention_bias", false), true),
            "opt", Families::opt,
            "gpt2", Families::gpt2));

    /** One family: from its config to the spec. */
    @FunctionalInterface
    interface Row {
        DecoderSpec read(ConfigReader config);
    }

    private Families() {}

    /** The {@code model_type} values that can be run. */
    public static List<String> known() {
        return new ArrayList<>(ROWS.keySet());
    }

    /**
     * Reads a config.
     *
     * @param tensors names in the checkpoint: some families' files come with and without a common prefix
     * @param place the file, for messages
     * @throws InputException HT-301 for a family that is not known, HT-302 for a key that is missing or makes no sense
     */
    public static DecoderSpec read(JsonNode config, Set<String> tensors, String place) {
        String family = config.path("model_type").asString("");
        Row row = ROWS.get(family);
        if (row == null) {
            throw new InputException(
                    "HT-301",
                    place,
                    family.isEmpty()
                            ? "there is no \"model_type\""
                            : "model_type is \"" + family + "\"; known are " + String.join(", ", known()),
                    "convert the model to a known family or ask for this one");
        }
        return row.read(new ConfigReader(config, tensors, place));
    }

    /** RMSNorm, rotary positions, gated MLP. Qwen2 has biases on q, k and v alone, which its config does not say. */
    private static DecoderSpec llamaLike(ConfigReader config, String family, boolean qkvBias, boolean headNorm) {
        int hidden = config.positive("hidden_size");
        int heads = config.positive("num_attention_heads");
        int headDim = config.positive("head_dim", headNorm ? 128 : Math.max(1, hidden / heads));
        int kvHeads = config.positive("num_key_value_heads", heads);
        config.check(
                heads % kvHeads == 0,
                "num_attention_heads is %d, no multiple of num_key_value_heads %d",
                heads,
                kvHeads);
        config.check(headDim % 2 == 0, "head_dim is %d; rotary embedding needs an even number", headDim);
        config.check(
                config.string("hidden_act", "silu").equals("silu"),
                "hidden_act is \"%s\"; the family uses \"silu\"",
                config.string("hidden_act", ""));
        int context = config.positive("max_position_embeddings", 2048);
        boolean windowed = family.equals("mistral") || config.flag("use_sliding_window", false);
        config.check(
                !windowed || family.equals("mistral") || config.positive("max_window_layers", 0) == 0,
                "use_sliding_window with full attention in some layers is not supported for %s",
                family);
        boolean outputBias = !family.equals("qwen2") && qkvBias;
        return new DecoderSpec(
                family,
                config.positive("num_hidden_layers"),
                hidden,
                config.positive("intermediate_size"),
                context,
                new Attention(
                        heads,
                        kvHeads,
                        headDim,
                        config.rope(headDim, 1e4, context),
                        windowed ? config.positive("sliding_window", 0) : 0,
                        qkvBias,
                        outputBias,
                        headNorm,
                        false),
                new Mlp(true, Activation.SILU, config.flag("mlp_bias", false)),
                new Norm(true, config.number("rms_norm_eps", 1e-6)),
                new Embedding(config.positive("vocab_size"), hidden, config.flag("tie_word_embeddings", false)),
                false,
                true,
                false,
                new Names(
                        "model.embed_tokens",
                        "",
                        "model.norm",
                        "lm_head",
                        "",
                        "",
                        "model.layers.%d",
                        "input_layernorm",
                        "post_attention_layernorm",
                        List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
                        "self_attn.o_proj",
                        "self_attn.q_norm",
                        "self_attn.k_norm",
                        List.of("mlp.gate_proj", "mlp.up_proj"),
                        "mlp.down_proj"));
    }

    /** OPT: learned positions from row 2 on, LayerNorm; the 350m model norms after the additions and projects its embedding. */
    private static DecoderSpec opt(ConfigReader config) {
        int hidden = config.positive("hidden_size");
        int heads = config.positive("num_attention_heads");
        int context = config.positive("max_position_embeddings");
        boolean before = config.flag("do_layer_norm_before", true);
        boolean bias = config.flag("enable_bias", true);
        config.check(hidden % heads == 0, "hidden_size %d is no multiple of num_attention_heads %d", hidden, heads);
        config.check(
                config.flag("layer_norm_elementwise_affine", true),
                "layer_norm_elementwise_affine false is not supported");
        String root = config.prefix("model.decoder.", "decoder.", "embed_tokens.weight");
        return new DecoderSpec(
                "opt",
                config.positive("num_hidden_layers"),
                hidden,
                config.positive("ffn_dim"),
                context,
                new Attention(heads, heads, hidden / heads, new Learned(2, context + 2), 0, bias, bias, false, false),
                new Mlp(false, config.activation("activation_function", "relu"), bias),
                new Norm(false, 1e-5),
                new Embedding(
                        config.positive("vocab_size"),
                        config.positive("word_embed_proj_dim", hidden),
                        config.flag("tie_word_embeddings", true)),
                !before,
                before && !config.flag("_remove_final_layer_norm", false),
                false,
                new Names(
                        root + "embed_tokens",
                        root + "embed_positions",
                        root + "final_layer_norm",
                        "lm_head",
                        root + "project_in",
                        root + "project_out",
                        root + "layers.%d",
                        "self_attn_layer_norm",
                        "final_layer_norm",
                        List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
                        "self_attn.out_proj",
                        "",
                        "",
                        List.of("fc1"),
                        "fc2"));
    }

    /** GPT-2: learned positions, one fused qkv, weights stored (in, out). */
    private static DecoderSpec gpt2(ConfigReader config) {
        int hidden = config.positive("n_embd");
        int heads = config.positive("n_head");
        int context = config.positive("n_positions");
        config.check(hidden % heads == 0, "n_embd %d is no multiple of n_head %d", hidden, heads);
        config.check(config.flag("scale_attn_weights", true), "scale_attn_weights false is not supported");
        config.check(
                !config.flag("scale_attn_by_inverse_layer_idx", false),
                "scale_attn_by_inverse_layer_idx true is not supported");
        String root = config.prefix("transformer.", "", "wte.weight");
        return new DecoderSpec(
                "gpt2",
                config.positive("n_layer"),
                hidden,
                config.positive("n_inner", 4 * hidden),
                context,
                new Attention(heads, heads, hidden / heads, new Learned(0, context), 0, true, true, false, true),
                new Mlp(false, config.activation("activation_function", "gelu_new"), true),
                new Norm(false, config.number("layer_norm_epsilon", 1e-5)),
                new Embedding(config.positive("vocab_size"), hidden, config.flag("tie_word_embeddings", true)),
                false,
                true,
                true,
                new Names(
                        root + "wte",
                        root + "wpe",
                        root + "ln_f",
                        "lm_head",
                        "",
                        "",
                        root + "h.%d",
                        "ln_1",
                        "ln_2",
                        List.of("attn.c_attn"),
                        "attn.c_proj",
                        "",
                        "",
                        List.of("mlp.c_fc"),
                        "mlp.c_proj"));
    }
}
