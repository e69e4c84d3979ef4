package dev.halftone.checkpoint;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Hugging Face names of the tensors of GGUF's llama family. Source: llama.cpp, gguf-py tensor_mapping.py. */
final class GgufNames {
    private static final Pattern BLOCK = Pattern.compile("blk\\.(0|[1-9]\\d{0,5})\\.([a-z_]+)\\.(weight|bias)");

    private static final Map<String, String> GLOBAL = Map.of(
            "token_embd.weight", "model.embed_tokens.weight",
            "output_norm.weight", "model.norm.weight",
            "output.weight", "lm_head.weight");

    private static final Map<String, String> IN_BLOCK = Map.ofEntries(
            Map.entry("attn_norm", "input_layernorm"),
            Map.entry("ffn_norm", "post_attention_layernorm"),
            Map.entry("attn_q", "self_attn.q_proj"),
            Map.entry("attn_k", "self_attn.k_proj"),
            Map.entry("attn_v", "self_attn.v_proj"),
            Map.entry("attn_output", "self_attn.o_proj"),
            Map.entry("attn_q_norm", "self_attn.q_norm"),
            Map.entry("attn_k_norm", "self_attn.k_norm"),
            Map.entry("ffn_gate", "mlp.gate_proj"),
            Map.entry("ffn_up", "mlp.up_proj"),
            Map.entry("ffn_down", "mlp.down_proj"));

    private GgufNames() {}

    /** The Hugging Face name, or null if the llama family has no such tensor. */
    static @Nullable String toHuggingFace(String name) {
        Matcher block = BLOCK.matcher(name);
        if (!block.matches()) {
            return GLOBAL.get(name);
        }
        String part = IN_BLOCK.get(block.group(2));
        return part == null ? null : "model.layers." + block.group(1) + "." + part + "." + block.group(3);
    }
}
