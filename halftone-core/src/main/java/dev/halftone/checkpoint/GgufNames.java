package dev.halftone.checkpoint;

import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Hugging Face names of the tensors of GGUF's llama family and of its gpt2. Source: llama.cpp, gguf-py tensor_mapping.py. */
final class GgufNames {
    private static final Pattern NAME = Pattern.compile("(?:blk\\.(0|[1-9]\\d{0,5})\\.)?([a-z_]+)\\.(weight|bias)");

    private static final GgufNames LLAMA = new GgufNames(
            Map.of(
                    "token_embd", "model.embed_tokens",
                    "output_norm", "model.norm",
                    "output", "lm_head"),
            "model.layers.",
            Map.ofEntries(
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
                    Map.entry("ffn_down", "mlp.down_proj")),
            Set.of("output_norm.bias", "token_embd.bias", "output.bias"));

    private static final GgufNames GPT2 = new GgufNames(
            Map.of(
                    "token_embd", "transformer.wte",
                    "position_embd", "transformer.wpe",
                    "output_norm", "transformer.ln_f",
                    "output", "lm_head"),
            "transformer.h.",
            Map.of(
                    "attn_norm", "ln_1",
                    "attn_qkv", "attn.c_attn",
                    "attn_output", "attn.c_proj",
                    "ffn_norm", "ln_2",
                    "ffn_up", "mlp.c_fc",
                    "ffn_down", "mlp.c_proj"),
            Set.of("token_embd.bias", "position_embd.bias", "output.bias"));

    private final Map<String, String> global;
    private final String block;
    private final Map<String, String> inBlock;
    private final Set<String> absent;

    /** {@code absent}: names outside the blocks that the pattern allows and the family does not have. */
    private GgufNames(Map<String, String> global, String block, Map<String, String> inBlock, Set<String> absent) {
        this.global = global;
        this.block = block;
        this.inBlock = inBlock;
        this.absent = absent;
    }

    /** The names of an architecture. */
    static GgufNames of(String architecture) {
        return architecture.equals("gpt2") ? GPT2 : LLAMA;
    }

    /** The Hugging Face name, or null if the family has no such tensor. */
    @Nullable
    String toHuggingFace(String name) {
        Matcher parts = NAME.matcher(name);
        if (!parts.matches() || absent.contains(name)) {
            return null;
        }
        String number = parts.group(1);
        String part = (number == null ? global : inBlock).get(parts.group(2));
        if (part == null) {
            return null;
        }
        return (number == null ? "" : block + number + ".") + part + "." + parts.group(3);
    }
}
