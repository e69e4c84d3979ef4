package dev.halftone.model;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/** The families that are known: each row turns a config.json into a {@link DecoderSpec}. */
public final class Families {
    private static final Map<String, Row> ROWS = new TreeMap<>(Map.ofEntries(
            Map.entry("llama", LlamaKin::llama),
            Map.entry("mistral", LlamaKin::mistral),
            Map.entry("qwen2", LlamaKin::qwen2),
            Map.entry("qwen3", LlamaKin::qwen3),
            Map.entry("gemma", LlamaKin::gemma),
            Map.entry("gemma2", LlamaKin::gemma2),
            Map.entry("gemma3_text", LlamaKin::gemma3),
            Map.entry("gemma3", LlamaKin::gemma3Multimodal),
            Map.entry("cohere", LlamaKin::cohere),
            Map.entry("phi", LlamaKin::phi),
            Map.entry("phi3", LlamaKin::phi3),
            Map.entry("stablelm", LlamaKin::stableLm),
            Map.entry("starcoder2", LlamaKin::starCoder2),
            Map.entry("glm", LlamaKin::glm),
            Map.entry("glm4", LlamaKin::glm4),
            Map.entry("chatglm", OwnNames::chatGlm),
            Map.entry("falcon", OwnNames::falcon),
            Map.entry("bloom", OwnNames::bloom),
            Map.entry("gpt_neox", OwnNames::gptNeox),
            Map.entry("opt", OwnNames::opt),
            Map.entry("gpt2", OwnNames::gpt2),
            Map.entry("bert", OwnNames::bert),
            Map.entry("mixtral", Mixtures::mixtral),
            Map.entry("olmoe", Mixtures::olmoe),
            Map.entry("qwen2_moe", Mixtures::qwen2Moe),
            Map.entry("qwen3_moe", Mixtures::qwen3Moe),
            Map.entry("deepseek", Mixtures::deepSeek)));

    /** One family: from its config to the spec. */
    @FunctionalInterface
    interface Row {
        DecoderSpec read(ConfigReader config);
    }

    private Families() {}

    /** The {@code model_type} values that can be run. */
    public static List<String> known() {
        return new ArrayList<>(ROWS.keySet());
    }

    /**
     * Reads a config.
     *
     * @param tensors names in the checkpoint: some families' files come with and without a common prefix
     * @param place the file, for messages
     * @throws InputException HT-301 for a family that is not known, HT-302 for a key that is missing or makes no sense
     */
    public static DecoderSpec read(JsonNode config, Set<String> tensors, String place) {
        String family = config.path("model_type").asString("");
        Row row = ROWS.get(family);
        if (row == null) {
            throw UnknownFamily.error(family, config, tensors, place, ROWS);
        }
        return row.read(new ConfigReader(config, tensors, place));
    }
}
