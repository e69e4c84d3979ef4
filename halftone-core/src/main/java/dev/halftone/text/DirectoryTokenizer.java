package dev.halftone.text;

import dev.halftone.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The tokenizer files of a Hugging Face directory. */
final class DirectoryTokenizer {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String SAVE_AGAIN = "save the tokenizer again with a current version of transformers";

    private static final int HIGHEST_ID = (1 << 24) - 1;

    private DirectoryTokenizer() {}

    static TokenizerFiles read(Path directory) {
        Path file = directory.resolve("tokenizer.json");
        if (!Files.isRegularFile(file)) {
            throw new InputException(
                    "HT-250",
                    directory.toString(),
                    "no tokenizer.json" + others(directory),
                    "download it, or make it: AutoTokenizer.from_pretrained(dir).save_pretrained(dir) in transformers");
        }
        return read(text(file), file, config(directory));
    }

    /** From the text of a tokenizer.json, with nothing beside it. */
    static TokenizerFiles read(String text, Path place) {
        if (text.isEmpty()) {
            throw new InputException(
                    "HT-250", place.toString(), "no tokenizer.json beside it", "download it, and put it there");
        }
        return read(text, place, JsonNodeFactory.instance.objectNode());
    }

    private static TokenizerFiles read(String text, Path file, ObjectNode config) {
        ObjectNode document = object(text, file);
        EnginePanics.check(document, file);
        int bos = id(document, config.get("bos_token"));
        int eos = id(document, config.get("eos_token"));
        boolean adds = config.path("add_bos_token")
                .asBooleanOpt()
                .orElseGet(() -> beginsWith(document.get("post_processor"), bos));
        return new TokenizerFiles(text, config, size(document, file), bos, eos, adds && bos >= 0, kind(document));
    }

    private static String others(Path directory) {
        for (String name : new String[] {"tokenizer.model", "vocab.json", "vocab.txt", "tekken.json"}) {
            if (Files.exists(directory.resolve(name))) {
                return ", only " + name;
            }
        }
        return "";
    }

    private static String text(Path file) {
        try {
            return TextFiles.decode(Files.readAllBytes(file), file.toString());
        } catch (IOException e) {
            throw new InputException("HT-251", file.toString(), "cannot be read (" + e + ")", "check the file");
        }
    }

    private static ObjectNode object(String text, Path file) {
        try {
            if (JSON.readTree(text) instanceof ObjectNode object) {
                return object;
            }
            throw new InputException("HT-251", file.toString(), "is no JSON object", SAVE_AGAIN);
        } catch (JacksonException e) {
            String found = "is not JSON: " + e.getOriginalMessage().replaceAll("\\s+", " ");
            throw new InputException("HT-251", file.toString(), found, SAVE_AGAIN);
        }
    }

    /** tokenizer_config.json, completed from the files that older and newer versions of transformers write beside it. */
    private static ObjectNode config(Path directory) {
        ObjectNode config = optional(directory.resolve("tokenizer_config.json"));
        ObjectNode map = optional(directory.resolve("special_tokens_map.json"));
        for (String role : new String[] {"bos_token", "eos_token", "unk_token", "pad_token"}) {
            if (!config.has(role) && map.has(role)) {
                config.set(role, map.get(role));
            }
        }
        Path template = directory.resolve("chat_template.jinja");
        if (!config.has("chat_template") && Files.isRegularFile(template)) {
            config.put("chat_template", text(template));
        }
        return config;
    }

    private static ObjectNode optional(Path file) {
        return Files.isRegularFile(file) ? object(text(file), file) : JsonNodeFactory.instance.objectNode();
    }

    /** {@code token} is a string, or an object with the string as "content". */
    private static int id(ObjectNode document, @Nullable JsonNode token) {
        String content = token == null
                ? null
                : token.isString()
                        ? token.stringValue()
                        : token.path("content").asStringOpt().orElse(null);
        if (content == null) {
            return -1;
        }
        for (JsonNode added : document.path("added_tokens")) {
            if (content.equals(added.path("content").asStringOpt().orElse(null))) {
                return added.path("id").asInt(-1);
            }
        }
        return document.path("model").path("vocab").path(content).asInt(-1);
    }

    /** True if the post-processor puts the token with this id in front of a text. */
    private static boolean beginsWith(@Nullable JsonNode processor, int bos) {
        if (processor == null || bos < 0) {
            return false;
        }
        return switch (processor.path("type").asString("")) {
            case "TemplateProcessing" -> {
                String first = processor
                        .path("single")
                        .path(0)
                        .path("SpecialToken")
                        .path("id")
                        .asString("");
                yield processor
                                .path("special_tokens")
                                .path(first)
                                .path("ids")
                                .path(0)
                                .asInt(-1)
                        == bos;
            }
            case "BertProcessing", "RobertaProcessing" ->
                processor.path("cls").path(1).asInt(-1) == bos;
            case "Sequence" -> {
                boolean found = false;
                for (JsonNode part : processor.path("processors")) {
                    found |= beginsWith(part, bos);
                }
                yield found;
            }
            default -> false;
        };
    }

    /** One more than the highest id. The engine's ids have 32 bits, but a size that no model has is damage. */
    private static int size(ObjectNode document, Path file) {
        int size = 0;
        JsonNode vocabulary = document.path("model").path("vocab");
        if (vocabulary.isArray()) {
            size = vocabulary.size(); // Unigram: a list of token and score
        } else {
            for (JsonNode id : vocabulary) {
                size = Math.max(size, checked(id, "model.vocab", file) + 1);
            }
        }
        for (JsonNode added : document.path("added_tokens")) {
            size = Math.max(size, checked(added.path("id"), "added_tokens", file) + 1);
        }
        return size;
    }

    private static int checked(JsonNode id, String key, Path file) {
        if (id.isIntegralNumber() && id.canConvertToInt() && id.intValue() >= 0 && id.intValue() <= HIGHEST_ID) {
            return id.intValue();
        }
        String found = id.isMissingNode() ? "a token without an id" : "token id " + shortened(id.toString());
        throw new InputException(
                "HT-256",
                file.toString(),
                "%s has %s; expected an integer of 0 to %d".formatted(key, found, HIGHEST_ID),
                SAVE_AGAIN);
    }

    private static String shortened(String value) {
        return value.length() <= 40 ? value : value.substring(0, 40) + "...";
    }

    private static String kind(ObjectNode document) {
        String type = document.path("model").path("type").asString("BPE");
        boolean bytes = document.path("decoder").toString().contains("\"ByteLevel\"")
                || document.path("pre_tokenizer").toString().contains("\"ByteLevel\"");
        return bytes && type.equals("BPE") ? "byte-level BPE" : type;
    }
}
