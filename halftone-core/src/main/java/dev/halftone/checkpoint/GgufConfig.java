package dev.halftone.checkpoint;

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
    private final GgufKeys keys;
    private final ObjectNode config = JsonNodeFactory.instance.objectNode();

    private GgufConfig(GgufKeys keys) {
        this.file = keys.file();
        this.keys = keys;
    }

    /** {@code className}: what config.json names for the architecture. */
    static ObjectNode of(GgufKeys keys, String architecture, String className) {
        GgufConfig reader = new GgufConfig(keys);
        reader.config.putArray("architectures").add(className);
        reader.config.put("model_type", architecture);
        reader.sizes();
        reader.window(architecture);
        reader.positions();
        keys.vocabulary(reader.config);
        reader.config.put("torch_dtype", "float32");
        return reader.config;
    }

    private void sizes() {
        int hidden = keys.required("embedding_length");
        int heads = keys.required("attention.head_count");
        config.put("hidden_size", hidden);
        config.put("intermediate_size", keys.required("feed_forward_length"));
        config.put("num_hidden_layers", keys.required("block_count"));
        config.put("num_attention_heads", heads);
        int keyValueHeads = keys.optional("attention.head_count_kv", heads);
        if (heads % keyValueHeads != 0) {
            throw keys.wrong("attention.head_count_kv", keyValueHeads, "a divisor of the %d heads".formatted(heads));
        }
        config.put("num_key_value_heads", keyValueHeads);
        if (hidden % heads != 0 && keys.value("attention.key_length") == null) {
            throw keys.wrong("attention.head_count", heads, "a divisor of embedding_length %d".formatted(hidden));
        }
        int headSize = keys.optional("attention.key_length", hidden / heads);
        int valueSize = keys.optional("attention.value_length", headSize);
        if (valueSize != headSize) {
            throw keys.wrong("attention.value_length", valueSize, "the key length %d".formatted(headSize));
        }
        config.put("head_dim", headSize);
        config.put("hidden_act", "silu");
        config.put("rms_norm_eps", keys.requiredFloat("attention.layer_norm_rms_epsilon"));
        config.put("attention_bias", file.names().contains("blk.0.attn_q.bias"));
        config.put("mlp_bias", file.names().contains("blk.0.ffn_gate.bias"));
    }

    /**
     * Mistral comes as arch llama. Its converter writes no window and llama.cpp attends to everything then; a file that names one
     * (0: none) means it.
     */
    private void window(String architecture) {
        String key = "attention.sliding_window";
        Object value = keys.value(key);
        if (value == null || (value instanceof Number number && number.longValue() == 0)) {
            return;
        }
        int window = keys.required(key);
        if (!architecture.equals("llama") || config.get("attention_bias").booleanValue()) {
            throw keys.wrong(key, window, "0, or arch llama without biases of q, k and v (Mistral)");
        }
        config.putArray("architectures").add("MistralForCausalLM");
        config.put("model_type", "mistral");
        config.put("sliding_window", window);
    }

    private void positions() {
        config.put("max_position_embeddings", keys.required("context_length"));
        config.put("rope_theta", keys.value("rope.freq_base") == null ? 10_000 : keys.requiredFloat("rope.freq_base"));
        int headSize = config.get("head_dim").intValue();
        int rotated = keys.optional("rope.dimension_count", headSize);
        if (rotated > headSize || rotated % 2 != 0) {
            throw keys.wrong(
                    "rope.dimension_count", rotated, "an even number up to the head size %d".formatted(headSize));
        }
        if (rotated != headSize) {
            config.put("partial_rotary_factor", (double) rotated / headSize);
        }
        if (file.names().contains(ROPE_FACTORS)) {
            ropeFactors(rotated);
            return;
        }
        Object scaling = keys.value("rope.scaling.type");
        if (scaling == null || scaling.equals("none")) {
            return;
        }
        ObjectNode node = config.putObject("rope_scaling");
        if (scaling.equals("linear")) {
            node.put("rope_type", "linear").put("factor", keys.requiredFloat("rope.scaling.factor"));
        } else if (scaling.equals("yarn")) {
            node.put("rope_type", "yarn").put("factor", keys.requiredFloat("rope.scaling.factor"));
            node.put("original_max_position_embeddings", keys.required("rope.scaling.original_context_length"));
        } else {
            throw keys.wrong("rope.scaling.type", scaling, "none, linear or yarn");
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
}
