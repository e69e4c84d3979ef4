package dev.halftone.text;

import dev.halftone.error.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A Hugging Face tokenizer as GGUF's {@code tokenizer.ggml} keys say it. Byte-level BPE alone: what cuts the text has to be one of
 * the ways that llama.cpp knows by name, because nothing else in the file could say it.
 *
 * @param pre {@code tokenizer.ggml.pre}
 * @param tokens by id, as many as the model's embedding has rows
 * @param types by id: 1 normal, 3 control, 4 user-defined, 5 unused
 * @param merges two tokens with a space between them, first to be merged first
 * @param ids of the tokens with a role, by the role's name in keys
 * @param chatTemplate empty if there is none
 */
public record GgufVocabularyKeys(
        String pre,
        List<String> tokens,
        List<Integer> types,
        List<String> merges,
        Map<String, Integer> ids,
        boolean addsBos,
        String chatTemplate) {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int UNUSED = 5;

    /**
     * Reads the tokenizer of a directory.
     *
     * @param rows of the model's embedding
     * @throws InputException HT-684 for a tokenizer that a GGUF file cannot hold
     */
    public static GgufVocabularyKeys of(Path directory, int rows) {
        TokenizerFiles files = DirectoryTokenizer.read(directory);
        String place = directory.resolve("tokenizer.json").toString();
        JsonNode document = JSON.readTree(files.json());
        JsonNode model = document.path("model");
        if (!files.kind().equals("byte-level BPE")) {
            throw refused(place, "the tokenizer is no byte-level BPE but " + files.kind());
        }
        if (files.size() > rows) {
            throw refused(place, "%d tokens for an embedding of %d rows".formatted(files.size(), rows));
        }
        @Nullable String[] tokens = new @Nullable String[rows];
        int[] types = new int[rows];
        model.path("vocab").properties().forEach(entry -> {
            tokens[entry.getValue().intValue()] = entry.getKey();
            types[entry.getValue().intValue()] = GgufVocabulary.NORMAL;
        });
        for (JsonNode added : document.path("added_tokens")) {
            int id = added.path("id").intValue();
            tokens[id] = added.path("content").stringValue();
            types[id] = added.path("special").asBoolean(false) ? GgufVocabulary.CONTROL : GgufVocabulary.USER_DEFINED;
        }
        List<String> all = new ArrayList<>();
        List<Integer> kinds = new ArrayList<>();
        for (int id = 0; id < rows; id++) {
            String token = tokens[id];
            all.add(token == null ? "[PAD%d]".formatted(id) : token);
            kinds.add(token == null ? UNUSED : types[id]);
        }
        return new GgufVocabularyKeys(
                pre(document, place),
                all,
                kinds,
                merges(model),
                roles(files.config(), all),
                files.addsBos(),
                files.config().path("chat_template").asString(""));
    }

    private static InputException refused(String place, String finding) {
        return new InputException(
                "HT-684", place, finding, "export in another format, or from the model's own GGUF file");
    }

    private static List<String> merges(JsonNode model) {
        List<String> merges = new ArrayList<>();
        for (JsonNode merge : model.path("merges")) {
            // A space inside a token would be taken for the border: bytes are written as characters, so there is none.
            merges.add(
                    merge.isArray()
                            ? merge.path(0).stringValue() + " " + merge.path(1).stringValue()
                            : merge.stringValue());
        }
        return merges;
    }

    private static Map<String, Integer> roles(ObjectNode config, List<String> tokens) {
        Map<String, Integer> ids = new LinkedHashMap<>();
        Map<String, String> roles = new LinkedHashMap<>();
        roles.put("bos", "bos_token");
        roles.put("eos", "eos_token");
        roles.put("unknown", "unk_token");
        roles.put("padding", "pad_token");
        roles.forEach((role, key) -> {
            JsonNode token = config.path(key);
            String content = token.asString(token.path("content").asString(""));
            int id = content.isEmpty() ? -1 : tokens.indexOf(content);
            if (id >= 0) {
                ids.put(role, id);
            }
        });
        return Collections.unmodifiableMap(ids);
    }

    /** The name by which llama.cpp knows how the text is cut before merging. */
    private static String pre(JsonNode document, String place) {
        boolean nfc = document.path("normalizer").toString().contains("\"NFC\"");
        if (!nfc
                && !document.path("normalizer").isNull()
                && !document.path("normalizer").isMissingNode()) {
            throw refused(place, "the normalizer " + shortened(document.path("normalizer")) + " has no name in GGUF");
        }
        boolean ignoreMerges = document.path("model").path("ignore_merges").asBoolean(false);
        return PreTokenizer.nameOf(document.path("pre_tokenizer"), nfc, ignoreMerges)
                .orElseThrow(() -> refused(
                        place,
                        "llama.cpp has no name for the pre-tokenizer " + shortened(document.path("pre_tokenizer"))));
    }

    private static String shortened(JsonNode node) {
        String text = node.toString();
        return text.length() <= 200 ? text : text.substring(0, 200) + "...";
    }
}
