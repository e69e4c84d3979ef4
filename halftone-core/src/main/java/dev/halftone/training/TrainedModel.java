package dev.halftone.training;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.SafetensorsWriter;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.text.TextTokenizer;
import dev.halftone.text.TrainedTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.global.torch.ScalarType;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes a trained model in the Hugging Face layout. */
final class TrainedModel {
    private static final Map<String, String> CLASSES = Map.ofEntries(
            Map.entry("llama", "LlamaForCausalLM"),
            Map.entry("mistral", "MistralForCausalLM"),
            Map.entry("qwen2", "Qwen2ForCausalLM"),
            Map.entry("qwen3", "Qwen3ForCausalLM"),
            Map.entry("opt", "OPTForCausalLM"),
            Map.entry("gpt2", "GPT2LMHeadModel"),
            Map.entry("mixtral", "MixtralForCausalLM"),
            Map.entry("olmoe", "OlmoeForCausalLM"),
            Map.entry("qwen2_moe", "Qwen2MoeForCausalLM"),
            Map.entry("qwen3_moe", "Qwen3MoeForCausalLM"),
            Map.entry("deepseek", "DeepseekForCausalLM"));

    private TrainedModel() {}

    /** @param bos the model only saw texts that begin with BOS */
    static void write(
            Path directory,
            ObjectNode model,
            Parameters parameters,
            ComputeType stored,
            TextTokenizer tokenizer,
            boolean bos,
            String card)
            throws IOException {
        boolean half = stored == ComputeType.BFLOAT16;
        ObjectNode config = model.deepCopy();
        String family = config.path("model_type").asString("");
        config.putArray("architectures").add(CLASSES.getOrDefault(family, family));
        config.put("torch_dtype", half ? "bfloat16" : "float32");
        ObjectNode generation = JsonMapper.shared().createObjectNode();
        for (ObjectNode node : List.of(config, generation)) {
            special(node, "bos_token_id", tokenizer.bosId());
            special(node, "eos_token_id", tokenizer.eosId());
        }
        Map<String, Parameters.Place> places = new HashMap<>();
        parameters.places().forEach(place -> places.put(place.tensor().name(), place));
        SafetensorsDtype dtype = half ? SafetensorsDtype.BF16 : SafetensorsDtype.F32;
        List<SafetensorsWriter.Declaration> declarations = parameters.places().stream()
                .map(place -> SafetensorsWriter.Declaration.of(
                        place.tensor().name(), dtype, place.tensor().shape()))
                .toList();
        Files.createDirectories(directory);
        SafetensorsWriter.write(
                directory.resolve("model.safetensors"), Map.of("format", "pt"), declarations, (tensor, sink) -> {
                    Parameters.Place place = java.util.Objects.requireNonNull(places.get(tensor.name()));
                    try (org.bytedeco.javacpp.PointerScope _ = new org.bytedeco.javacpp.PointerScope()) {
                        sink.write(Tensors.memory(
                                Tensors.over(place.in(parameters.values()), ScalarType.Float, place.count())
                                        .to(stored.scalarType())));
                    }
                });
        Files.writeString(directory.resolve("config.json"), config.toPrettyString() + "\n");
        Files.writeString(directory.resolve("generation_config.json"), generation.toPrettyString() + "\n");
        Files.writeString(
                directory.resolve("tokenizer.json"),
                bos ? TrainedTokenizer.beginningWithBos(tokenizer) : tokenizer.toJson());
        Files.writeString(
                directory.resolve("tokenizer_config.json"),
                bos ? TrainedTokenizer.beginningWithBosConfig(tokenizer) : tokenizer.configJson());
        Files.writeString(directory.resolve("README.md"), card);
    }

    /** Families have defaults of their own for these ids: what the tokenizer lacks is said too. */
    private static void special(ObjectNode node, String key, int id) {
        if (id >= 0) {
            node.put(key, id);
        } else {
            node.putNull(key);
        }
    }
}
