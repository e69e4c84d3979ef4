package dev.halftone.checkpoint;

import dev.halftone.error.InputException;
import java.math.BigInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a GGUF file's metadata says, in config.json's keys. Source: llama.cpp, gguf-py constants.py; key names of
 * transformers' LlamaConfig.
 */
final class GgufConfig {
    /** Per frequency pair, what the angle is divided by (llama3's scaling, computed by the converter). */
    static final String ROPE_FACTORS = "rope_freqs.weight";

    private final GgufFile file;
    private final String architecture;
    private final ObjectNode config = JsonNodeFactory.instance.objectNode();

    private GgufConfig(GgufFile file, String architecture) {
        this.file = file;
        this.architecture = architecture;
    }

    static ObjectNode of(GgufFile file, String architecture, String className) {
        GgufConfig reader = new GgufConfig(file, architecture);
        reader.config.putArray("architectures").add(className);
        reader.config.put("model_type", architecture);
        reader.sizes();
        reader.positions();
        reader.vocabulary();
        reader.config.put("torch_dtype", "float32");
        return reader.config;
    }

    private void sizes() {
        int hidden = required("embedding_length");
        int heads = required("attention.head_count");
        config.put("hidden_size", hidden);
        config.put("intermediate_size", required("feed_forward_length"));
        config.put("num_hidden_layers", required("block_count"));
        config.put("num_attention_heads", heads);
        int keyValueHeads = optional("attention.head_count_kv", heads);
        if (heads % keyValueHeads != 0) {
            throw wrong("attention.head_count_kv", keyValueHeads, "a divisor of the %d heads".formatted(heads));
        }
        config.put("num_key_value_heads", keyValueHeads);
        if (hidden % heads != 0 && value("attention.key_length") == null) {
            throw wrong("attention.head_count", heads, "a divisor of embedding_length %d".formatted(hidden));
        }
        int headSize = optional("attention.key_length", hidden / heads);
        int valueSize = optional("attention.value_length", headSize);
        if (valueSize != headSize) {
            throw wrong("attention.value_length", valueSize, "the key length %d".formatted(headSize));
        }
        config.put("head_dim", headSize);
        config.put("hidden_act", "silu");
        config.put("rms_norm_eps", requiredFloat("attention.layer_norm_rms_epsilon"));
        config.put("attention_bias", file.names().contains("blk.0.attn_q.bias"));
        config.put("mlp_bias", file.names().contains("blk.0.ffn_gate.bias"));
    }

    private void positions() {
        config.put("max_position_embeddings", required("context_length"));
        config.put("rope_theta", value("rope.freq_base") == null ? 10_000 : requiredFloat("rope.freq_base"));
        int headSize = config.get("head_dim").intValue();
        int rotated = optional("rope.dimension_count", headSize);
        if (rotated > headSize || rotated % 2 != 0) {
            throw wrong("rope.dimension_count", rotated, "an even number up to the head size %d".formatted(headSize));
        }
        if (rotated != headSize) {
            config.put("partial_rotary_factor", (double) rotated / headSize);
        }
        if (file.names().contains(ROPE_FACTORS)) {
            ropeFactors(rotated);
            return;
        }
        Object scaling = value("rope.scaling.type");
        if (scaling == null || scaling.equals("none")) {
            return;
        }
        ObjectNode node = config.putObject("rope_scaling");
        if (scaling.equals("linear")) {
            node.put("rope_type", "linear").put("factor", requiredFloat("rope.scaling.factor"));
        } else if (scaling.equals("yarn")) {
            node.put("rope_type", "yarn").put("factor", requiredFloat("rope.scaling.factor"));
            node.put("original_max_position_embeddings", required("rope.scaling.original_context_length"));
        } else {
            throw wrong("rope.scaling.type", scaling, "none, linear or yarn");
        }
    }

    private void ropeFactors(int rotated) {
        StoredTensor tensor = file.tensor(ROPE_FACTORS);
        if (tensor.rows() != 1 || tensor.columns() != rotated / 2 || tensor.columns() > 1 << 16) {
            throw Findings.error(
                    "HT-242",
                    file.path() + ": " + ROPE_FACTORS,
                    "shape %s, expected [%d], half the rotated size"
                            .formatted(Tensors.show(tensor.shape()), rotated / 2),
                    "convert the model again");
        }
        ObjectNode node = config.putObject("rope_scaling").put("rope_type", "factors");
        ArrayNode factors = node.putArray("factors");
        ((MappedTensor) tensor).forEachChunk((first, values, count) -> {
            for (int i = 0; i < count; i++) {
                if (!(values[i] > 0) || Float.isInfinite(values[i])) {
                    throw Findings.error(
                            "HT-242",
                            file.path() + ": " + ROPE_FACTORS,
                            "factor %d is %s, expected a positive number".formatted(first + i, values[i]),
                            "convert the model again");
                }
                factors.add((double) values[i]);
            }
        });
    }

    private void vocabulary() {
        String embedding = "token_embd.weight";
        if (file.names().contains(embedding)) {
            config.put("vocab_size", file.tensor(embedding).rows());
        } else {
            config.put("vocab_size", required("vocab_size"));
        }
        config.put("tie_word_embeddings", !file.names().contains("output.weight"));
        tokenId("bos");
        tokenId("eos");
        tokenId("padding");
    }

    private void tokenId(String kind) {
        Object id = file.metadata().get("tokenizer.ggml." + kind + "_token_id");
        if (id instanceof Number number && !(id instanceof BigInteger)) {
            config.put((kind.equals("padding") ? "pad" : kind) + "_token_id", number.longValue());
        }
    }

    private @Nullable Object value(String key) {
        return file.metadata().get(architecture + "." + key);
    }

    private int required(String key) {
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

    private int optional(String key, int otherwise) {
        return value(key) == null ? otherwise : required(key);
    }

    private double requiredFloat(String key) {
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

    private InputException missing(String key) {
        return Findings.error(
                "HT-241",
                file.path().toString(),
                "no metadata key %s.%s".formatted(architecture, key),
                "convert the model again");
    }

    private InputException wrong(String key, Object value, String expected) {
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
