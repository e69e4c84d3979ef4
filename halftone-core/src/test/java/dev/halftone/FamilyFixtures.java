package dev.halftone;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halftone.format.ModelFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Tiny random models of every family, each with ids and the logits that a public implementation gives for them: those in the
 * directory of material beside the repository, and those of {@code tools/fixtures/decoder_fixtures.py}.
 */
public final class FamilyFixtures {
    private static final Path OWN =
            Path.of(System.getProperty("halftone.root", ".."), "halftone-core", "src", "test", "resources", "families");
    private static final Path SHARED =
            Path.of(System.getProperty("halftone.shared", "../../shared"), "fixtures", "decoder-families");

    private FamilyFixtures() {}

    /** All of them. */
    public static Stream<String> names() {
        return Stream.concat(dense(), mixtures());
    }

    /** The same rows of the same families with other tables of positions, another window, or other keys in the config. */
    private static final Set<String> SAME_BLOCKS = Set.of(
            "llama3",
            "llama_dynamic",
            "llama_linear",
            "llama_yarn",
            "smollm2",
            "qwen2_window",
            "gemma3_old_keys",
            "bloom6h",
            "bloom_prefix",
            "phi3_longrope",
            "phi3_partial",
            "mixtral_window");

    /** One of each kind of block: every family, with all its variants of linears, norms, order and experts. */
    public static Stream<String> layouts() {
        return names().filter(name -> !SAME_BLOCKS.contains(name));
    }

    /** Models without experts. */
    public static Stream<String> dense() {
        return Stream.of(
                "llama",
                "llama3",
                "llama_dynamic",
                "llama_linear",
                "llama_tied_bias",
                "llama_yarn",
                "smollm2",
                "mistral",
                "qwen2",
                "qwen2_window",
                "qwen3",
                "gemma",
                "gemma2",
                "gemma3",
                "gemma3_old_keys",
                "cohere",
                "cohere_qk",
                "falcon7",
                "falcon11",
                "falcon40",
                "falcon_rw",
                "bloom",
                "bloom6h",
                "bloom_prefix",
                "neox",
                "neox_seq",
                "phi",
                "phi3",
                "phi3_longrope",
                "phi3_partial",
                "stablelm",
                "stablelm12",
                "starcoder2",
                "chatglm",
                "glm",
                "glm4",
                "opt",
                "opt350",
                "gpt2");
    }

    /** Models with experts. */
    public static Stream<String> mixtures() {
        return Stream.of(
                "mixtral",
                "mixtral_window",
                "olmoe",
                "olmoe_clip",
                "qwen2moe",
                "qwen3moe",
                "qwen3moe_step",
                "deepseek");
    }

    /** Where a model lies; the test is skipped where the material is not there. */
    public static Path directory(String name) {
        Path own = OWN.resolve(name);
        Path directory = Files.isDirectory(own) ? own : SHARED.resolve(name);
        assumeTrue(Files.isDirectory(directory), () -> "no fixture at " + directory);
        return directory;
    }

    /** A copy with a tokenizer of words. */
    public static Path withTokenizer(String name, Path target) throws IOException {
        try (ModelFile file = ModelFile.open(copy(name, target))) {
            return TinyModel.withWords(target, file.spec().embedding().vocabulary());
        }
    }

    /** A copy with a tokenizer of single bytes, which llama.cpp can hold. */
    public static Path withBytes(String name, Path target) throws IOException {
        try (ModelFile file = ModelFile.open(copy(name, target))) {
            return TinyModel.withBytes(target, file.spec().embedding().vocabulary());
        }
    }

    private static Path copy(String name, Path target) throws IOException {
        Path source = directory(name);
        Files.createDirectories(target);
        for (String file : new String[] {"config.json", "model.safetensors"}) {
            Files.write(target.resolve(file), Files.readAllBytes(source.resolve(file)));
        }
        return target;
    }
}
