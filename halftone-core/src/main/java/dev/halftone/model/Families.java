package dev.halftone.model;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/** The families that are known: each row turns a config.json into a {@link DecoderSpec}. */
public final class Families {
    private static final TreeMap<String, Row> ROWS = new TreeMap<>();

    static {
        ROWS.put("llama", Families::llama);
    }

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
     * @param place the file, for messages
     * @throws InputException HT-301 for a family that is not known, HT-302 for a key that is missing or makes no sense
     */
    public static DecoderSpec read(JsonNode config, String place) {
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
        return row.read(new ConfigReader(config, place));
    }

    private static DecoderSpec llama(ConfigReader config) {
        int hidden = config.positive("hidden_size");
        int heads = config.positive("num_attention_heads");
        int headDim = config.positive("head_dim", Math.max(1, hidden / heads));
        int kvHeads = config.positive("num_key_value_heads", heads);
        config.check(
                heads % kvHeads == 0,
                "num_attention_heads is %d, no multiple of num_key_value_heads %d",
                heads,
                kvHeads);
        config.check(headDim % 2 == 0, "head_dim is %d; rotary embedding needs an even number", headDim);
        String activation = config.string("hidden_act", "silu");
        config.check(activation.equals("silu"), "hidden_act is \"%s\"; the family uses \"silu\"", activation);
        int context = config.positive("max_position_embeddings", 2048);
        boolean attentionBias = config.flag("attention_bias", false);
        return new DecoderSpec(
                "llama",
                config.positive("num_hidden_layers"),
                hidden,
                config.positive("intermediate_size"),
                heads,
                kvHeads,
                headDim,
                config.positive("vocab_size"),
                config.number("rms_norm_eps", 1e-6),
                config.rope(headDim, 1e4, context),
                attentionBias,
                attentionBias,
                config.flag("mlp_bias", false),
                config.flag("tie_word_embeddings", false),
                context);
    }
}
