package dev.halftone.model;

import dev.halftone.model.DecoderSpec.Experts;
import dev.halftone.model.DecoderSpec.HeadNorm;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Families with experts. One method is one row of {@link Families}. */
final class Mixtures {
    private Mixtures() {}

    /** Experts in every layer, their weights normalized. */
    static DecoderSpec mixtral(ConfigReader config) {
        Draft draft = LlamaKin.mistralDraft(config, "mixtral");
        draft.positions = config.rope(draft.headDim, 1e6, draft.context);
        draft.experts = new Experts(
                config.positive("num_local_experts", 8),
                config.positive("num_experts_per_tok", 2),
                draft.intermediate,
                true,
                1,
                0,
                sparse(draft, _ -> true),
                "block_sparse_moe.gate",
                "block_sparse_moe.experts.%d",
                "w1",
                "w3",
                "w2",
                "",
                "");
        return checked(draft);
    }

    /** Queries and keys are normed over all heads together; the experts' weights are as the softmax gives them. */
    static DecoderSpec olmoe(ConfigReader config) {
        Draft draft = LlamaKin.llamaDraft(config, "olmoe");
        draft.mlpBias = false;
        draft.headNorm = HeadNorm.WHOLE;
        draft.clip = config.has("clip_qkv") ? config.number("clip_qkv", 0) : 0;
        draft.experts = named(
                draft,
                config.positive("num_experts", 64),
                config.positive("num_experts_per_tok", 8),
                draft.intermediate,
                0);
        return checked(draft);
    }

    /** Experts and gated shared ones, in some layers. */
    static DecoderSpec qwen2Moe(ConfigReader config) {
        Draft draft = LlamaKin.qwen2Draft(config, "qwen2_moe");
        draft.experts = named(
                draft,
                config.positive("num_experts", 60),
                config.positive("num_experts_per_tok", 4),
                config.positive("moe_intermediate_size", 1408),
                config.positive("shared_expert_intermediate_size", 5632));
        return checked(draft);
    }

    static DecoderSpec qwen3Moe(ConfigReader config) {
        Draft draft = LlamaKin.qwen3Draft(config, "qwen3_moe");
        draft.experts = named(
                draft,
                // Newer files have the second name.
                config.positive("num_experts", config.positive("num_local_experts", 128)),
                config.positive("num_experts_per_tok", 8),
                config.positive("moe_intermediate_size", 768),
                0);
        return checked(draft);
    }

    /** DeepSeek-MoE: the first layers have one MLP, the others experts and shared ones that count fully. */
    static DecoderSpec deepSeek(ConfigReader config) {
        Draft draft = LlamaKin.llamaDraft(config, "deepseek");
        draft.mlpBias = false;
        config.check(
                config.string("scoring_func", "softmax").equals("softmax"),
                "scoring_func is \"%s\"; the family uses \"softmax\"",
                config.string("scoring_func", ""));
        int first = config.count("first_k_dense_replace", 0);
        int step = config.positive("moe_layer_freq", 1);
        int width = config.positive("moe_intermediate_size", 1407);
        draft.experts = new Experts(
                config.positive("n_routed_experts"),
                config.positive("num_experts_per_tok"),
                width,
                config.flag("norm_topk_prob", false),
                config.number("routed_scaling_factor", 1),
                width * config.count("n_shared_experts", 0),
                sparse(draft, i -> i >= first && i % step == 0),
                "mlp.gate",
                "mlp.experts.%d",
                "gate_proj",
                "up_proj",
                "down_proj",
                "mlp.shared_experts",
                "");
        return checked(draft);
    }

    /** With the names of OLMoE and Qwen; layer i has experts if it is not listed as dense and i + 1 is a multiple of the step. */
    private static Experts named(Draft draft, int count, int perToken, int width, int sharedWidth) {
        ConfigReader config = draft.config();
        List<Integer> dense = config.numbers("mlp_only_layers");
        int step = config.positive("decoder_sparse_step", 1);
        return new Experts(
                count,
                perToken,
                width,
                config.flag("norm_topk_prob", false),
                1,
                sharedWidth,
                sparse(draft, i -> !dense.contains(i) && (i + 1) % step == 0),
                "mlp.gate",
                "mlp.experts.%d",
                "gate_proj",
                "up_proj",
                "down_proj",
                "mlp.shared_expert",
                sharedWidth > 0 ? "mlp.shared_expert_gate" : "");
    }

    private static List<Boolean> sparse(Draft draft, IntPredicate rule) {
        return IntStream.range(0, draft.layers).mapToObj(rule::test).toList();
    }

    private static DecoderSpec checked(Draft draft) {
        Experts experts = draft.experts;
        draft.config()
                .check(
                        experts == null || experts.perToken() <= experts.count(),
                        "num_experts_per_tok is larger than the number of experts");
        return draft.spec();
    }
}
