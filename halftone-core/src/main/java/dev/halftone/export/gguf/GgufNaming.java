package dev.halftone.export.gguf;

import dev.halftone.model.DecoderSpec;
import dev.halftone.model.DecoderSpec.Experts;
import dev.halftone.model.DecoderSpec.Names;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * GGUF's names for a model's tensors: the spec says what each is for. The experts of a layer, and norms of single heads, have one
 * name together. Source: llama.cpp, gguf-py tensor_mapping.py.
 */
final class GgufNaming {
    private final DecoderSpec spec;
    private final Map<String, String> outside = new HashMap<>();
    private final Map<String, String> inside = new HashMap<>();

    GgufNaming(DecoderSpec spec) {
        this.spec = spec;
        Names names = spec.names();
        outside.put(names.embedding(), "token_embd");
        outside.put(names.positions(), "position_embd");
        outside.put(names.embeddingNorm(), "token_embd_norm");
        outside.put(names.finalNorm(), "output_norm");
        outside.put(names.head(), "output");
        norms(names);
        List<String> qkv = names.qkv();
        if (qkv.size() == 1) {
            inside.put(qkv.getFirst(), "attn_qkv");
        } else {
            inside.put(qkv.get(0), "attn_q");
            inside.put(qkv.get(1), "attn_k");
            inside.put(qkv.get(2), "attn_v");
        }
        inside.put(names.output(), "attn_output");
        perHead(names.queryNorm(), spec.attention().heads(), "attn_q_norm");
        perHead(names.keyNorm(), spec.attention().kvHeads(), "attn_k_norm");
        if (names.up().size() == 2) {
            inside.put(names.up().getFirst(), "ffn_gate");
        }
        inside.put(names.up().getLast(), "ffn_up");
        inside.put(names.down(), "ffn_down");
        Experts experts = spec.mlp().experts();
        if (experts != null) {
            experts(experts);
        }
        outside.remove("");
        inside.remove("");
    }

    /** Falcon's second norm is the one of attention. */
    private void norms(Names names) {
        boolean falcon = spec.family().equals("falcon") && !names.mlpNorm().isEmpty();
        inside.put(names.attentionNorm(), falcon ? "attn_norm_2" : "attn_norm");
        inside.put(names.mlpNorm(), falcon ? "attn_norm" : "ffn_norm");
        inside.put(names.attentionOutputNorm(), "post_attention_norm");
        inside.put(names.mlpOutputNorm(), "post_ffw_norm");
    }

    private void perHead(String name, int heads, String gguf) {
        for (int head = 0; head < heads; head++) {
            inside.put(name.contains("%d") ? name.formatted(head) : name, gguf);
        }
    }

    private void experts(Experts experts) {
        inside.put(experts.router(), "ffn_gate_inp");
        inside.put(experts.sharedGate(), "ffn_gate_inp_shexp");
        for (int e = 0; e < experts.count(); e++) {
            mlp(experts, experts.expert().formatted(e), "exps");
        }
        if (!experts.shared().isEmpty()) {
            mlp(experts, experts.shared(), "shexp");
        }
    }

    private void mlp(Experts experts, String expert, String kind) {
        inside.put(expert + "." + experts.gate(), "ffn_gate_" + kind);
        inside.put(expert + "." + experts.up(), "ffn_up_" + kind);
        inside.put(expert + "." + experts.down(), "ffn_down_" + kind);
    }

    /** The name of a tensor with its layer, or null if GGUF has none for it. */
    @Nullable
    String of(String tensor) {
        int dot = tensor.lastIndexOf('.');
        String suffix = tensor.substring(dot);
        String stem = tensor.substring(0, dot);
        for (int layer = 0; layer < spec.layers(); layer++) {
            String prefix = spec.blockName(layer) + ".";
            if (stem.startsWith(prefix)) {
                String name = inside.get(stem.substring(prefix.length()));
                return name == null ? null : "blk." + layer + "." + name + suffix;
            }
        }
        String name = outside.get(stem);
        return name == null ? null : name + suffix;
    }
}
