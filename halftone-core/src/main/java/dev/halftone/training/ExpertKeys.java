package dev.halftone.training;

import dev.halftone.yaml.YamlReader;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** The keys of a training file that only families with experts have, under the names that each family's config has for them. */
final class ExpertKeys {
    static final List<String> FAMILIES = List.of("mixtral", "olmoe", "qwen2_moe", "qwen3_moe", "deepseek");

    private ExpertKeys() {}

    static void read(YamlReader model, String family, ObjectNode config) {
        if (!FAMILIES.contains(family)) {
            return;
        }
        int experts = TrainingKeys.positive(model, "experts", 0);
        int perToken = TrainingKeys.positive(model, "experts_per_token", 2);
        int width = TrainingKeys.positive(model, "expert_width", 0);
        if (perToken > experts) {
            throw model.error("experts_per_token", "experts_per_token is %d of %d".formatted(perToken, experts));
        }
        config.put("num_experts_per_tok", perToken);
        switch (family) {
            case "mixtral" -> config.put("num_local_experts", experts).put("intermediate_size", width);
            case "olmoe" ->
                config.put("num_experts", experts)
                        .put("intermediate_size", width)
                        .put("norm_topk_prob", false);
            case "qwen2_moe" ->
                config.put("num_experts", experts)
                        .put("moe_intermediate_size", width)
                        .put("shared_expert_intermediate_size", TrainingKeys.positive(model, "shared_width", width))
                        .put("norm_topk_prob", false)
                        .put("decoder_sparse_step", 1);
            case "qwen3_moe" ->
                config.put("num_experts", experts)
                        .put("moe_intermediate_size", width)
                        .put("norm_topk_prob", true)
                        .put("decoder_sparse_step", 1);
            default ->
                config.put("n_routed_experts", experts)
                        .put("moe_intermediate_size", width)
                        .put("n_shared_experts", TrainingKeys.positive(model, "shared_experts", 1))
                        .put("first_k_dense_replace", 1)
                        .put("moe_layer_freq", 1)
                        .put("norm_topk_prob", false);
        }
    }
}
