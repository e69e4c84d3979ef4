package dev.halftone.text;

import dev.halftone.text.GgufVocabulary.Merge;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The parts of a tokenizer.json under construction. Every token is in the model's vocabulary, special ones too: so the engine
 * keeps the ids as they are.
 */
final class TokenizerDocument {
    private static final JsonMapper JSON = JsonMapper.shared();

    @Nullable
    ObjectNode normalizer;

    @Nullable
    ObjectNode preTokenizer;

    @Nullable
    ObjectNode postProcessor;

    @Nullable
    ObjectNode decoder;

    /** Without vocabulary and merges. */
    @Nullable
    ObjectNode model;

    Map<String, Integer> vocabulary = Map.of();

    /** Null for a model without merges. */
    @Nullable
    List<Merge> merges;

    private final ArrayNode addedTokens = JsonNodeFactory.instance.arrayNode();

    /**
     * Registers the tokens that a text may contain whole, by their types. Those that {@code strips} swallow the white space
     * behind them.
     */
    void addedTokens(GgufVocabulary vocabulary, Predicate<String> strips) {
        for (int id = 0; id < vocabulary.size(); id++) {
            int type = vocabulary.types().get(id);
            if (type == GgufVocabulary.UNKNOWN
                    || type == GgufVocabulary.CONTROL
                    || type == GgufVocabulary.USER_DEFINED) {
                String content = vocabulary.tokens().get(id);
                addedTokens
                        .addObject()
                        .put("id", id)
                        .put("content", content)
                        .put("single_word", false)
                        .put("lstrip", false)
                        .put("rstrip", strips.test(content))
                        .put("normalized", false)
                        .put("special", type != GgufVocabulary.USER_DEFINED);
            }
        }
    }

    String toJson() {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            json.writeStartObject();
            json.writeStringProperty("version", "1.0");
            json.writeNullProperty("truncation");
            json.writeNullProperty("padding");
            property(json, "added_tokens", addedTokens);
            property(json, "normalizer", normalizer);
            property(json, "pre_tokenizer", preTokenizer);
            property(json, "post_processor", postProcessor);
            property(json, "decoder", decoder);
            json.writeName("model");
            writeModel(json);
            json.writeEndObject();
        }
        return text.toString();
    }

    private static void property(JsonGenerator json, String name, @Nullable Object value) {
        json.writeName(name);
        json.writePOJO(value);
    }

    /** Vocabulary and merges are written without nodes: there may be half a million of them. */
    private void writeModel(JsonGenerator json) {
        json.writeStartObject();
        for (var entry : Objects.requireNonNull(model).properties()) {
            property(json, entry.getKey(), entry.getValue());
        }
        json.writeName("vocab");
        json.writeStartObject();
        vocabulary.forEach(json::writeNumberProperty);
        json.writeEndObject();
        List<Merge> pairs = merges;
        if (pairs != null) {
            json.writeName("merges");
            json.writeStartArray();
            for (Merge merge : pairs) {
                json.writeStartArray();
                json.writeString(merge.left());
                json.writeString(merge.right());
                json.writeEndArray();
            }
            json.writeEndArray();
        }
        json.writeEndObject();
    }
}
