package dev.halftone.checkpoint;

import dev.halftone.error.InputException;
import java.math.BigInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Checked reading of a GGUF file's keys for one architecture. Errors are HT-241 (missing) and HT-242 (makes no sense). */
final class GgufKeys {
    private final GgufFile file;
    private final String architecture;

    GgufKeys(GgufFile file, String architecture) {
        this.file = file;
        this.architecture = architecture;
    }

    GgufFile file() {
        return file;
    }

    @Nullable
    Object value(String key) {
        return file.metadata().get(architecture + "." + key);
    }

    /** A positive integer. */
    int required(String key) {
        Object value = value(key);
        if (value == null) {
            throw missing(key);
        }
        if ((value instanceof Integer || value instanceof Long)
                && ((Number) value).longValue() > 0
                && ((Number) value).longValue() <= Integer.MAX_VALUE) {
            return ((Number) value).intValue();
        }
        throw wrong(key, value, "a positive integer");
    }

    int optional(String key, int otherwise) {
        return value(key) == null ? otherwise : required(key);
    }

    /** A positive number. */
    double requiredFloat(String key) {
        Object value = value(key);
        if (value == null) {
            throw missing(key);
        }
        if (value instanceof Float || value instanceof Double) {
            double number = ((Number) value).doubleValue();
            if (number > 0 && number < Double.POSITIVE_INFINITY) {
                return number;
            }
        }
        throw wrong(key, value, "a positive number");
    }

    /** What every family's config says alike: the size of the vocabulary, its special tokens, and if the head is the embedding. */
    void vocabulary(ObjectNode config) {
        String embedding = "token_embd.weight";
        if (file.names().contains(embedding)) {
            config.put("vocab_size", file.tensor(embedding).rows());
        } else {
            config.put("vocab_size", required("vocab_size"));
        }
        config.put("tie_word_embeddings", !file.names().contains("output.weight"));
        tokenId(config, "bos");
        tokenId(config, "eos");
        tokenId(config, "padding");
    }

    private void tokenId(ObjectNode config, String kind) {
        Object id = file.metadata().get("tokenizer.ggml." + kind + "_token_id");
        if (id instanceof Number number && !(id instanceof BigInteger)) {
            config.put((kind.equals("padding") ? "pad" : kind) + "_token_id", number.longValue());
        }
    }

    private InputException missing(String key) {
        return Findings.error(
                "HT-241",
                file.path().toString(),
                "no metadata key %s.%s".formatted(architecture, key),
                "convert the model again");
    }

    InputException wrong(String key, Object value, String expected) {
        return Findings.error(
                "HT-242",
                file.path().toString(),
                "%s.%s is %s, expected %s".formatted(architecture, key, show(value), expected),
                "convert the model again");
    }

    /** A metadata value for messages. */
    static String show(Object value) {
        return value instanceof Number || value instanceof String || value instanceof Boolean
                ? value.toString()
                : "an array";
    }
}
