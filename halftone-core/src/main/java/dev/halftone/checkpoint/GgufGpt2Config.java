package dev.halftone.checkpoint;

import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the metadata of GGUF's gpt2 says, in the keys of transformers' GPT2Config. Source: llama.cpp, conversion/gpt2.py and
 * models/gpt2.cpp: the activation is the tanh form of GELU, and there are no grouped heads in the Hugging Face layout.
 */
final class GgufGpt2Config {
    private GgufGpt2Config() {}

    static ObjectNode of(GgufKeys keys) {
        int hidden = keys.required("embedding_length");
        int heads = keys.required("attention.head_count");
        int keyValueHeads = keys.optional("attention.head_count_kv", heads);
        if (keyValueHeads != heads) {
            throw keys.wrong("attention.head_count_kv", keyValueHeads, "the %d heads".formatted(heads));
        }
        if (hidden % heads != 0) {
            throw keys.wrong("attention.head_count", heads, "a divisor of embedding_length %d".formatted(hidden));
        }
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        config.putArray("architectures").add("GPT2LMHeadModel");
        config.put("model_type", "gpt2");
        config.put("n_embd", hidden);
        config.put("n_head", heads);
        config.put("n_layer", keys.required("block_count"));
        config.put("n_inner", keys.required("feed_forward_length"));
        config.put("n_positions", keys.required("context_length"));
        config.put("layer_norm_epsilon", keys.requiredFloat("attention.layer_norm_epsilon"));
        config.put("activation_function", "gelu_new");
        keys.vocabulary(config);
        config.put("torch_dtype", "float32");
        return config;
    }
}
