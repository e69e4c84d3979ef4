package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.evaluate.Scores;
import dev.halftone.export.huggingface.HuggingFaceExport;
import dev.halftone.format.ModelFile;
import dev.halftone.recipe.QuantizationResult.Evidence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Recipes of the weight solvers through the pipeline, into files, and back. */
class SolverPipelineTest {
    @TempDir
    private static Path directory = Path.of("");

    private static TinyRuns runs = new TinyRuns(directory, directory, directory);

    @BeforeAll
    static void write() throws IOException {
        runs = TinyRuns.in(directory);
    }

    private static String recipe(String keys) throws IOException {
        Path file = Files.createTempFile(directory, "recipe", ".yaml");
        return Files.writeString(file, "steps:\n  - weights: {" + keys + "}\n").toString();
    }

    /** Tiny widths are 32 and 48: groups of 16. */
    @ParameterizedTest
    @CsvSource({
        "quantease-w4g16, 4.0, 6.5",
        "quantease-w4g16-outliers, 4.3, 7.5",
        "quantease-w4g16-columns, 4.1, 7.0",
        "spqr-w4g16, 4.6, 9.0",
        "adpq-w4g16, 6.5, 9.0",
        "gwq-w4g16, 5.5, 8.0",
        "adadim-w4g16, 4.0, 6.5",
        "adadim-rtn-w4g16, 4.0, 6.5",
        "gobo-w4, 4.1, 5.5"
    })
    void everyBuiltInRecipeStoresWhatItCountsAndIsMeasuredFromItsFile(String recipe, double least, double most)
            throws IOException {
        Path out = directory.resolve(recipe);
        QuantizationResult result = runs.run(recipe, out, 2);
        Evidence evidence = result.evidence();
        assertThat(result.fellBack()).isFalse();
        assertThat(evidence.bitsPerWeight()).isBetween(least, most);
        assertThat(evidence.sites()).hasSize(14);
        try (ModelFile file = ModelFile.open(out)) {
            assertThat(file.bitsPerLinearWeight()).isEqualTo(evidence.bitsPerWeight());
            assertThat(file.quantization()).startsWith("halftone, ");
        }
        Scores scores = runs.scores(out, runs.model());
        assertThat(scores.divergence().value()).isBetween(1e-6, 1.5);
        Path again = directory.resolve(recipe + "-again");
        runs.run(recipe, again, 1);
        assertThat(TinyRuns.contents(again)).isEqualTo(TinyRuns.contents(out));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "method: gptq, format: int3, group: 16, outliers: {choose: sensitivity, share: 0.02}, polish: 5",
                "method: quantease, format: int3, group: 16, outliers: {choose: gradient, share: 0.02, samples: 2}",
                "method: rtn, format: nf4, group: 16, outliers: {choose: random, share: 0.05}",
                "method: adpq, format: int4, group: 16, outlier_bits: 16",
                "method: rtn, format: int4, group: 16, outliers: {choose: gradient-error}"
            })
    void anyRuleGoesWithAnyMethod(String keys) throws IOException {
        String recipe = recipe(keys);
        Path out = directory.resolve("any-" + Integer.toHexString(keys.hashCode()));
        QuantizationResult result = runs.run(recipe, out, 2);
        assertThat(result.fellBack()).isFalse();
        assertThat(result.evidence().sites())
                .allSatisfy(site -> assertThat(site.format()).endsWith("+ outlier weights"));
        assertThat(runs.scores(out, runs.model()).divergence().value()).isLessThan(2.0);
    }

    @Test
    void exportsRefuseWhatTheyCannotHoldAndDecodeToFloats() throws IOException {
        Path out = directory.resolve("spqr-export");
        runs.run("spqr-w4g16", out, 2);
        Path floats = directory.resolve("floats");
        try (ModelFile file = ModelFile.open(out)) {
            for (String layout : new String[] {"compressed-tensors", "gptq", "awq"}) {
                assertThatThrownBy(() -> HuggingFaceExport.write(file, layout, directory.resolve("refused")))
                        .hasMessageContaining("HT-692")
                        .hasMessageContaining("is stored as int4 g16 with int3 scales");
            }
            HuggingFaceExport.write(file, "safetensors", floats);
        }
        assertThat(runs.scores(floats, out).divergence().value()).isLessThan(1e-9);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "method: spqr, format: int3, group: 16, outliers: {choose: random}| chooses its outliers itself",
                "method: gobo, format: int3, group: 16| gobo takes int2 to int8 and no group",
                "method: spqr, format: int3, mode: sym, group: 16| spqr takes int2 to int8 with symmetric: false",
                "method: spqr, format: int3, group: 16, scale_rows: 5| scale_rows is 5",
                "method: adpq, format: int4| HT-722",
                "method: adpq, format: int4, group: 16, outlier_bits: 5| outlier_bits is 5; expected 4 or 16",
                "method: rtn, format: int4, outliers: {choose: best}| choose is \"best\"; known are magnitude",
                "method: rtn, format: int4, outliers: {choose: random, share: 2}| share is 2.0; expected 0 to 1",
                "method: gobo, format: int4, polish: 3| polish goes behind rtn and gptq",
                "method: quantease, format: int4, sweeps: 0| sweeps is 0",
                "method: quantease, format: int4, start: here| start is \"here\"; known are weight, rtn, gptq",
                "method: lucky, format: int4| known are rtn, gptq, quantease, spqr, adpq, adadim, gobo"
            })
    void mistakesAreNamed(String keys, String message) throws IOException {
        String recipe = recipe(keys);
        assertThatThrownBy(() -> Recipes.open(recipe)).hasMessageContaining(message);
    }
}
