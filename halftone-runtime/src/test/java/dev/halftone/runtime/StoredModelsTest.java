package dev.halftone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halftone.evaluate.Evaluation;
import dev.halftone.evaluate.ModelLogits;
import dev.halftone.evaluate.Scores;
import dev.halftone.evaluate.WindowRule;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.export.gguf.GgufExport;
import dev.halftone.format.ModelFile;
import dev.halftone.format.gguf.Mixture;
import dev.halftone.model.Decoder;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.Quantizer;
import dev.halftone.recipe.Recipes;
import dev.halftone.runtime.TokenEngine.Chunk;
import dev.halftone.runtime.TokenEngine.Sequence;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A trained model in the files that are run: what is read of them, and how far the kernels are from the float path. */
class StoredModelsTest {
    private static final String MODEL = "zoo:llama-nano";
    private static final Path ROOT = Path.of(System.getProperty("halftone.root", ".."));
    private static final Path REAL = Path.of(
            System.getProperty("halftone.shared", "../../shared"), "real-models", "SmolLM2-135M-Instruct.Q4_1.gguf");

    @TempDir
    private Path temporary = Path.of("");

    @ParameterizedTest
    @ValueSource(strings = {"F16", "Q8_0", "Q4_0", "Q4_K_M", "Q2_K"})
    void ggufFilesAreReadAsTheDecoderReadsThem(String mixture) {
        assertReadAlike(gguf(mixture));
    }

    @ParameterizedTest
    @ValueSource(strings = {"rtn-w4g64", "rtn-w3g64"})
    void packedDirectoriesAreReadAsTheDecoderReadsThem(String recipe) {
        assertReadAlike(packed(recipe));
    }

    private static void assertReadAlike(Path model) {
        try (ModelFile file = ModelFile.open(model);
                PackedEngine engine = PackedEngineTest.engine(file, 2)) {
            int[] ids = PackedEngineTest.ids(file, 1);
            float[] expected = PackedEngineTest.expected(file, ids);
            double difference = PackedEngineTest.largestDifference(PackedEngineTest.whole(engine, ids), expected);
            assertThat(difference).isLessThan(1e-3 * PackedEngineTest.largest(expected));
        }
    }

    /** The divergence that rounding activations to int8 makes, in nats: what was seen, rounded up. */
    @ParameterizedTest
    @CsvSource({"F16, 1e-6", "Q8_0, 3e-4", "Q4_0, 3e-4", "Q4_K_M, 3e-4"})
    void kernelsStayNearTheFloatPath(String mixture, double bound) {
        Scores scores = scores(gguf(mixture), 128, 4);
        assertThat(scores.divergence().value()).isBetween(0.0, bound);
    }

    /** Formats of Halftone's own files, with the codes and scales that they have. */
    @ParameterizedTest
    @CsvSource({"int4, ', symmetric: true', 3e-4", "int3, ', symmetric: false', 3e-4", "nf4, '', 1e-6", "int8, '', 3e-4"
    })
    void kernelsStayNearTheFloatPathOfPackedDirectories(String format, String more, double bound) throws IOException {
        Path recipe = Files.writeString(
                temporary.resolve("recipe.yaml"),
                "steps:\n  - weights: {method: rtn, format: %s, group: 64%s}\n".formatted(format, more));
        Path model = packed(recipe.toString());
        assertThat(scores(model, 128, 2).divergence().value()).isBetween(0.0, bound);
        try (ModelFile file = ModelFile.open(model);
                PackedEngine engine = PackedEngine.open(file, 1)) {
            assertThat(engine.description()).contains("42 ").doesNotContain("in F32");
        }
    }

    @Test
    void kernelsStayNearTheFloatPathOfARealModel() {
        assumeTrue(Files.isReadable(REAL), () -> "no real model at " + REAL);
        assertThat(scores(REAL, 128, 2).divergence().value()).isBetween(0.0, 5e-3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Q8_0", "Q4_K_M"})
    void neitherThreadsNorPiecesChangeABitOfTheKernels(String mixture) {
        try (ModelFile file = ModelFile.open(gguf(mixture));
                PackedEngine one = PackedEngine.open(file, 1);
                PackedEngine three = PackedEngine.open(file, 3);
                Sequence sequence = three.open(40)) {
            int[] ids = PackedEngineTest.ids(file, 8);
            float[] whole = PackedEngineTest.whole(one, ids);
            assertThat(PackedEngineTest.whole(three, ids)).isEqualTo(whole);
            for (int i = 0; i < 40; i++) {
                float[] logits = three.step(List.of(new Chunk(sequence, new int[] {ids[i]}, false)))
                        .getFirst();
                int at = i * one.vocabulary();
                assertThat(logits).isEqualTo(Arrays.copyOfRange(whole, at, at + one.vocabulary()));
            }
        }
    }

    @Test
    void aRecipeThatQuantizesTheCacheIsRefused() throws IOException {
        Path recipe = Files.writeString(
                temporary.resolve("cache.yaml"),
                "steps:\n  - weights: {method: rtn, format: int4, group: 64}\n  - cache: {method: int-token, bits: 4}\n");
        try (ModelFile file = ModelFile.open(packed(recipe.toString()))) {
            assertThatThrownBy(() -> PackedEngine.open(file, 1)).hasMessageContaining("HT-911");
        }
    }

    private Scores scores(Path model, int length, int windows) {
        try (ModelFile file = ModelFile.open(model);
                TextTokenizer tokenizer = file.tokenizer();
                PackedEngine engine = PackedEngine.open(file, 2);
                EngineLogits own = new EngineLogits(engine);
                Decoder decoder = file.decoder(Compute.FLOAT32);
                ModelLogits reference = new ModelLogits(decoder, temporary);
                Workers workers = new Workers(2)) {
            int[] text = tokenizer.encode(TextFiles.read(ROOT.resolve("corpus/sotu.test.txt")));
            List<Window> cut = new WindowRule.Gptq().cut(text, -1, length, windows, "text");
            Scores scores = Evaluation.run(List.of(own), reference, cut, workers, (_, _) -> {}, (_, _, _, _) -> {})
                    .getFirst();
            System.err.printf("%s: KL %s%n", model.getFileName(), scores.divergence());
            return scores;
        }
    }

    private Path gguf(String mixture) {
        Path file = temporary.resolve(mixture + ".gguf");
        try (ModelFile opened = ModelFile.open(MODEL);
                Workers workers = new Workers(2)) {
            GgufExport.write(opened, Mixture.named(mixture, ""), null, file, workers, (_, _) -> {});
        }
        return file;
    }

    private Path packed(String recipe) {
        Path out = temporary.resolve("packed");
        try (ModelFile file = ModelFile.open(MODEL);
                Workers workers = new Workers(2)) {
            new Quantizer(file, Recipes.open(recipe), null, Compute.FLOAT32, out, workers)
                    .run(Provenance.of(List.of(), Map.of()), (_, _) -> {});
        }
        return out;
    }
}
