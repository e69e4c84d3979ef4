package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.error.InputException;
import dev.halftone.recipe.QuantizationResult.DistillationReport;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Scales that are trained behind all solvers, from the recipe to the file. */
class DistillationPipelineTest {
    private static final String STEP = "  - distill: {epochs: 6, batch: 4, rate: 0.003}\n";

    @TempDir
    private static Path temporary = Path.of("");

    private static TinyRuns runs = new TinyRuns(temporary, temporary, temporary);

    @BeforeAll
    static void write() throws IOException {
        runs = TinyRuns.in(temporary);
    }

    private static String recipe(String name, String weights, String step) throws IOException {
        String yaml = "steps:\n  - weights: {%s}\n%s".formatted(weights, step);
        return Files.writeString(temporary.resolve(name + ".yaml"), yaml).toString();
    }

    private static Map<String, byte[]> tensors(Path directory) {
        Map<String, byte[]> all = new TreeMap<>();
        try (SafetensorsFile file = SafetensorsFile.open(directory.resolve("model.safetensors"))) {
            file.names().forEach(name -> all.put(name, file.tensor(name).bytes().toArray(ValueLayout.JAVA_BYTE)));
        }
        return all;
    }

    private static DistillationReport report(QuantizationResult result) {
        return Objects.requireNonNull(result.evidence().distillation());
    }

    /** On a text that was not calibrated on too; only scales have changed. */
    @ParameterizedTest
    @CsvSource({"rtn, 'method: rtn, format: int2, group: 16'", "gptq, 'method: gptq, format: int2, group: 16'"})
    void theModelComesNearerToTheOriginal(String name, String weights) throws IOException {
        Path plain = runs.quantize(recipe(name + "-plain", weights, ""), name + "-plain-out", 2);
        Path trained = temporary.resolve(name + "-trained-out");
        DistillationReport report = report(runs.run(recipe(name + "-trained", weights, STEP), trained, 2));
        assertThat(report.weights()).isEqualTo(14);
        assertThat(report.steps()).isEqualTo(24);
        assertThat(report.heldOut()).isEqualTo(1);
        assertThat(report.after()).isLessThan(report.before());
        assertThat(runs.scores(trained, runs.model()).divergence().value())
                .isLessThan(runs.scores(plain, runs.model()).divergence().value());
        Map<String, byte[]> before = tensors(plain);
        Map<String, byte[]> after = tensors(trained);
        assertThat(after.keySet()).isEqualTo(before.keySet());
        after.forEach((tensor, bytes) -> {
            if (tensor.endsWith(".scales")) {
                assertThat(bytes).as(tensor).isNotEqualTo(before.get(tensor));
            } else {
                assertThat(bytes).as(tensor).isEqualTo(before.get(tensor));
            }
        });
    }

    @Test
    void theSameInputsGiveTheSameBytesWithAnyNumberOfThreads() throws IOException {
        String recipe =
                recipe("threads", "method: rtn, format: int3, group: 16", "  - distill: {batch: 3, rate: 0.01}\n");
        Path one = runs.quantize(recipe, "threads-one", 1);
        Path two = runs.quantize(recipe, "threads-two", 3);
        assertThat(TinyRuns.contents(two)).isEqualTo(TinyRuns.contents(one));
    }

    @Test
    void targetsNameWhatIsTrained() throws IOException {
        String weights = "method: rtn, format: int3, group: 16";
        String step = "  - distill: {rate: 0.01, targets: [\"*.down_proj.weight\"]}\n";
        Path plain = runs.quantize(recipe("some-plain", weights, ""), "some-plain-out", 2);
        Path trained = temporary.resolve("some-out");
        DistillationReport report = report(runs.run(recipe("some", weights, step), trained, 2));
        assertThat(report.weights()).isEqualTo(2);
        Map<String, byte[]> before = tensors(plain);
        tensors(trained).forEach((tensor, bytes) -> {
            if (!tensor.contains("down_proj")) {
                assertThat(bytes).as(tensor).isEqualTo(before.get(tensor));
            }
        });
    }

    @Test
    void builtInNamesTrainScalesLast() {
        assertThat(Recipes.open("gptq-distill-w3g64").distillation()).isNotNull();
        assertThat(Recipes.open("gguf-q4_k_m-distill").distillation()).isNotNull();
        assertThat(Recipes.open("gguf-q4_k_m").distillation()).isNull();
        Recipe both = Recipes.open("gptq-signround-distill-w2g64");
        assertThat(both.distillation()).isNotNull();
        assertThat(both.reconstructions()).hasSize(1);
    }

    @Test
    void whatCannotBeTrainedIsRefusedBeforeAnyWork() throws IOException {
        String inputs = recipe("inputs", "method: rtn, format: int8", STEP + "  - inputs: {format: int8}\n");
        assertThatThrownBy(() -> runs.run(inputs, temporary.resolve("refused"), 1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-437")
                .hasMessageContaining(":3:");
        String powers = recipe("powers", "method: rtn, format: nvfp4", STEP);
        assertThatThrownBy(() -> runs.run(powers, temporary.resolve("refused"), 1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-430");
        String twice = recipe("twice", "method: rtn, format: int3, group: 16", STEP + STEP);
        assertThatThrownBy(() -> Recipes.open(twice))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-421");
    }
}
