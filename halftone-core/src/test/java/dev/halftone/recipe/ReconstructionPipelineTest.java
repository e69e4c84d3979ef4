package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.error.InputException;
import dev.halftone.recipe.QuantizationResult.ReconstructionReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Blocks that are trained behind their solvers (arXiv:2309.05516), from the recipe to the file. */
class ReconstructionPipelineTest {
    @TempDir
    private static Path temporary = Path.of("");

    private static TinyRuns runs = new TinyRuns(temporary, temporary, temporary);

    @BeforeAll
    static void write() throws IOException {
        runs = TinyRuns.in(temporary);
    }

    private static String recipe(String name, String method, String step) throws IOException {
        String yaml = "steps:\n  - weights: {method: %s, format: int3, group: 16}\n%s".formatted(method, step);
        Path file = Files.writeString(temporary.resolve(name + ".yaml"), yaml);
        return file.toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"rtn", "gptq"})
    void trainedBlocksAreNearerToTheOriginal(String method) throws IOException {
        String step = "  - reconstruct: {method: signround, iterations: 60, batch: 4}\n";
        Path after = temporary.resolve(method + "-after");
        QuantizationResult result = runs.run(recipe(method + "-trained", method, step), after, 2);
        List<ReconstructionReport> blocks = result.evidence().reconstructions();
        assertThat(blocks).extracting(ReconstructionReport::block).containsExactly(0, 1);
        assertThat(blocks).allSatisfy(block -> {
            assertThat(block.after()).isLessThan(block.before());
            assertThat(block.kept()).isPositive();
        });
        assertThat(result.evidence().sites()).allSatisfy(site -> {
            assertThat(site.trained()).isTrue();
            assertThat(site.codesChanged()).isBetween(0.001, 0.6);
        });
    }

    @Test
    void theSameInputsGiveTheSameBytesWithAnyNumberOfThreads() throws IOException {
        String recipe = recipe("threads", "rtn", "  - reconstruct: {method: signround, iterations: 5, batch: 3}\n");
        Path one = runs.quantize(recipe, "threads-one", 1);
        Path two = runs.quantize(recipe, "threads-two", 2);
        assertThat(TinyRuns.contents(two)).isEqualTo(TinyRuns.contents(one));
    }

    /** Nothing but the evidence and the recipe's name is different. */
    @Test
    void withoutAStepItIsRoundingToNearest() throws IOException {
        Path plain = runs.quantize(recipe("plain", "rtn", ""), "plain-out", 2);
        Path none = runs.quantize(
                recipe("none", "rtn", "  - reconstruct: {method: signround, iterations: 0}\n"), "none-out", 2);
        assertThat(TinyRuns.contents(none).get("model.safetensors"))
                .isEqualTo(TinyRuns.contents(plain).get("model.safetensors"));
    }

    /** What is not trained keeps what its solver gave it, and the trained weights make up for it. */
    @Test
    void targetsNameWhatIsTrained() throws IOException {
        String step = "  - reconstruct: {method: signround, iterations: 20, targets: [\"*.down_proj.weight\"]}\n";
        QuantizationResult result = runs.run(recipe("targets", "rtn", step), temporary.resolve("targets-out"), 2);
        assertThat(result.evidence().sites())
                .allSatisfy(
                        site -> assertThat(site.trained()).isEqualTo(site.name().endsWith(".down_proj.weight")));
        assertThat(result.evidence().reconstructions())
                .allSatisfy(block -> assertThat(block.after()).isLessThanOrEqualTo(block.before()));
    }

    @Test
    void builtInNamesTrainBehindRoundingAndBehindGptq() {
        for (String method : List.of("rtn", "gptq")) {
            Recipe recipe = Recipes.open((method.equals("rtn") ? "" : "gptq-") + "signround-w3g64");
            assertThat(recipe.steps())
                    .singleElement()
                    .satisfies(step -> assertThat(step.solver().name()).isEqualTo(method));
            assertThat(recipe.reconstructions())
                    .singleElement()
                    .satisfies(step -> assertThat(step.options().iterations()).isEqualTo(200));
        }
    }

    @Test
    void whatCannotBeTrainedIsRefusedBeforeAnyWork() throws IOException {
        Path file = Files.writeString(
                temporary.resolve("refused.yaml"),
                "steps:\n  - weights: {method: rtn, format: nf4, group: 16}\n  - reconstruct: {method: signround}\n");
        assertThatThrownBy(() -> runs.run(file.toString(), temporary.resolve("refused"), 1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-436")
                .hasMessageContaining(":3:");
        String yaml = """
                steps:
                  - weights: {method: rtn, format: int3, group: 16, targets: ["*.up_proj.weight"]}
                  - reconstruct: {method: signround, targets: ["*.q_proj.weight"]}
                """;
        Path unmatched = Files.writeString(temporary.resolve("unmatched.yaml"), yaml);
        assertThatThrownBy(() -> runs.run(unmatched.toString(), temporary.resolve("unmatched"), 1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-430");
    }
}
