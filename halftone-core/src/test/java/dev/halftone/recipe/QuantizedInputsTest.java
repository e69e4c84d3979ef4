package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.format.InputRounding;
import dev.halftone.format.ModelFile;
import dev.halftone.provenance.Provenance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Recipes that do more than round weights: quantized inputs, and transforms before it. */
class QuantizedInputsTest {
    @TempDir
    private static Path temporary = Path.of("");

    private static TinyRuns runs = new TinyRuns(temporary, temporary, temporary);

    @BeforeAll
    static void write() throws IOException {
        runs = TinyRuns.in(temporary);
    }

    @Test
    void inputsAreQuantizedWhereverThePackedModelIsRead() throws IOException {
        double plain = divergence("rtn-w8");
        double a8 = divergence("rtn-w8a8");
        double a4 = divergence("rtn-w8a4");
        assertThat(a8).isNotEqualTo(plain).isLessThan(0.02);
        assertThat(a4).isGreaterThan(10 * a8);
        assertThat(divergence("rtn-w8a2")).isGreaterThan(2 * a4);
        assertThat(divergence("rtn-w8afp8")).isBetween(a8, a4);
    }

    private static double divergence(String recipe) throws IOException {
        return runs.scores(runs.quantize(recipe, "inputs-" + recipe, 2), runs.model())
                .divergence()
                .value();
    }

    @Test
    void staticRangesComeFromCalibrationAndAreStored() throws IOException {
        Path recipe = temporary.resolve("static.yaml");
        Files.writeString(recipe, """
                steps:
                  - inputs: {format: int8, granularity: static, targets: ["*.mlp.*"]}
                  - inputs: {format: int8, granularity: group, group: 8, symmetric: false, targets: ["*.o_proj.weight"]}
                  - weights: {method: rtn, format: int8, targets: ["*.down_proj.weight"]}
                """);
        Path packed = temporary.resolve("static");
        QuantizationResult result = runs.run(recipe.toString(), packed, 2);
        assertThat(result.evidence().calibration()).isNotNull();
        assertThat(result.evidence().sites())
                .hasSize(2)
                .allSatisfy(site -> assertThat(site.inputs()).isEqualTo("int8 static, simulated"));
        try (ModelFile file = ModelFile.open(packed)) {
            InputRounding rounding = (InputRounding) file.inputs();
            assertThat(rounding.formats()).hasSize(8);
            assertThat(rounding.ranges()).hasSize(6).allSatisfy((weight, range) -> {
                assertThat(weight).contains(".mlp.");
                assertThat(range.least()).isNegative();
                assertThat(range.most()).isPositive();
            });
            assertThat(rounding.ranges().get("model.layers.1.mlp.gate_proj.weight"))
                    .isEqualTo(rounding.ranges().get("model.layers.1.mlp.up_proj.weight"));
        }
        Path again = temporary.resolve("static-again");
        runs.run(recipe.toString(), again, 1);
        assertThat(TinyRuns.contents(again)).isEqualTo(TinyRuns.contents(packed));
        assertThat(runs.scores(packed, runs.model()).divergence().value())
                .isPositive()
                .isLessThan(0.05);
    }

    @Test
    void injectedOutliersRuinQuantizedInputsAndSmoothQuantTakesThemOut() throws IOException {
        String injected = runs.model() + "+outliers(g=64,channels=2)";
        double naive = runs.scores(runs.quantize("rtn-w8a8", "naive", 2), runs.model())
                .divergence()
                .value();
        double ruined = runs.scores(runs.quantize(injected, "rtn-w8a8", "ruined"), runs.model())
                .divergence()
                .value();
        assertThat(ruined).isGreaterThan(5 * naive);
        Path smooth = runs.quantize("smoothquant-w8a8", "smooth", 2);
        Path smoothInjected = runs.quantize(injected, "smoothquant-w8a8", "smooth-injected");
        assertThat(runs.scores(smoothInjected, runs.model()).divergence().value())
                .isLessThan(ruined / 5);
        // g is a power of two: every number is the same, not only nearly.
        for (String file : List.of("model.safetensors", "config.json")) {
            assertThat(smoothInjected.resolve(file)).hasSameBinaryContentAs(smooth.resolve(file));
        }
    }

    /** Both sites that are searched through a module, and one that is searched through H. */
    @Test
    void awqLowersTheErrorThatItSearchesFor() throws IOException {
        String injected = runs.model() + "+outliers(g=32,channels=2)";
        Path rtn = runs.quantize(injected, "rtn-w3g16", "awq-rtn");
        Path out = temporary.resolve("awq-out");
        QuantizationResult result = runs.run("awq-w3g16", out, 2);
        assertThat(result.evidence().transforms())
                .isNotEmpty()
                .allSatisfy(report -> assertThat(report.method()).isEqualTo("awq"))
                .extracting(QuantizationResult.TransformReport::site)
                .contains("model.layers.0.self_attn.q_proj.input");
        Path awq = runs.quantize(injected, "awq-w3g16", "awq-injected");
        assertThat(runs.scores(awq, runs.model()).divergence().value())
                .isLessThan(runs.scores(rtn, runs.model()).divergence().value());
        Path again = temporary.resolve("awq-again");
        runs.run("awq-w3g16", again, 1);
        assertThat(TinyRuns.contents(again)).isEqualTo(TinyRuns.contents(out));
    }

    @Test
    void transformsThatNoSolverPacksAreStoredAsTheyAre() throws IOException {
        Path recipe = temporary.resolve("transform.yaml");
        Files.writeString(recipe, "propagate: float\nsteps:\n  - transform: {method: smoothquant, alpha: 0.7}\n");
        Path out = temporary.resolve("transformed");
        QuantizationResult result = runs.run(recipe.toString(), out, 2);
        assertThat(result.evidence().transforms()).hasSize(4).allSatisfy(report -> {
            assertThat(report.method()).isEqualTo("smoothquant");
            assertThat(report.folded()).isTrue();
            assertThat(report.smallestScale()).isPositive().isLessThan(report.largestScale());
        });
        assertThat(runs.scores(out, runs.model()).divergence().value()).isCloseTo(0, within(1e-9));
        assertThat(Provenance.sha256(out.resolve("model.safetensors")))
                .isNotEqualTo(Provenance.sha256(runs.model().resolve("model.safetensors")));
    }
}
