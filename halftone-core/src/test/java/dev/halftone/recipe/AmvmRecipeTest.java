package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AmvmRecipeTest {
    @TempDir
    private static Path temporary = Path.of("");

    @ParameterizedTest
    @ValueSource(strings = {"start: rtn", "start: gptq, actorder: false"})
    void aRecipeGivesTheSameBytesWithAnyNumberOfThreadsAndOtherCodesThanItsStart(String start) throws IOException {
        TinyRuns runs = TinyRuns.in(Files.createTempDirectory(temporary, "runs"));
        String recipe = Files.writeString(
                        runs.directory().resolve("amvm.yaml"),
                        "steps:\n  - weights: {method: amvm, %s, format: int3, group: 16, iterations: 2, tokens: 128}\n"
                                .formatted(start))
                .toString();
        Path one = runs.directory().resolve("one");
        QuantizationResult result = runs.run(recipe, one, 1);
        Path two = runs.quantize(recipe, "two", 2);
        assertThat(TinyRuns.contents(two)).isEqualTo(TinyRuns.contents(one));
        SiteReport site = result.evidence().sites().getFirst();
        assertThat(site.method()).startsWith("amvm from ");
        assertThat(site.codesChanged()).isPositive();
        assertThat(runs.scores(one, runs.model()).divergence().value())
                .isPositive()
                .isFinite();
    }

    @Test
    void keysThatCannotBeAreRefusedWithTheirPlace() {
        String recipe = "steps:\n  - weights: {method: amvm, format: int3, %s}";
        assertThatThrownBy(() -> Recipes.parse("r.yaml", recipe.formatted("start: magic")))
                .hasMessageContaining("HT-421 r.yaml:2")
                .hasMessageContaining("known are rtn, gptq");
        assertThatThrownBy(() -> Recipes.parse("r.yaml", recipe.formatted("iterations: -1")))
                .hasMessageContaining("HT-765 r.yaml:2");
    }
}
