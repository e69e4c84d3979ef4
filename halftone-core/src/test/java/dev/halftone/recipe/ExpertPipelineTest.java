package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.FamilyFixtures;
import dev.halftone.TinyModel;
import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.Checkpoints;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.format.ModelWriter;
import dev.halftone.format.StoredPart;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.QuantizationResult.ExpertCoverage;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/** A Mixtral of four experts, one for each token, whose router never chooses the last. */
class ExpertPipelineTest {
    private static final int TOKENS = 16 * 12;

    @TempDir
    private static Path temporary = Path.of("");

    private static Path model = Path.of("");

    /** The last expert's router row is the mean of the others', whose largest product it never exceeds. */
    @BeforeAll
    static void write() throws IOException {
        model = Files.createDirectories(temporary.resolve("model"));
        List<StoredPart> parts = new ArrayList<>();
        try (Checkpoint source = Checkpoints.open(FamilyFixtures.directory("mixtral"));
                Arena arena = Arena.ofShared()) {
            for (String name : source.names()) {
                StoredTensor tensor = source.tensor(name);
                MemorySegment values = arena.allocate(tensor.elements() * Float.BYTES, 64);
                tensor.decode(0, tensor.rows(), values);
                if (name.endsWith("gate.weight")) {
                    long width = tensor.columns();
                    for (long c = 0; c < width; c++) {
                        float sum = 0;
                        for (long row = 0; row < 3; row++) {
                            sum += values.getAtIndex(ValueLayout.JAVA_FLOAT, row * width + c);
                        }
                        values.setAtIndex(ValueLayout.JAVA_FLOAT, 3 * width + c, sum / 3);
                    }
                }
                parts.add(new StoredPart(name, SafetensorsDtype.F32, tensor.shape(), values));
            }
            ModelWriter.writeModel(model, parts);
            ObjectNode config = source.config();
            ModelWriter.writeJson(model.resolve("config.json"), config.put("num_experts_per_tok", 1));
        }
        TinyModel.withWords(model, 96);
    }

    @Test
    void anExpertWithoutTokensIsRoundedToNearestWhichCountsAsAFallback() throws IOException {
        QuantizationResult result = run("", "default", 2);
        assertThat(result.fellBack()).isTrue();
        assertThat(result.evidence().experts()).hasSize(3);
        for (ExpertCoverage block : result.evidence().experts()) {
            assertThat(block.perToken()).isEqualTo(1);
            assertThat(block.tokens()).hasSize(4).endsWith(0L);
            assertThat(block.tokens().stream().mapToLong(Long::longValue).sum()).isEqualTo(TOKENS);
        }
        List<SiteReport> uncovered = ofExpert(result, 3);
        assertThat(uncovered).hasSize(9).allMatch(site -> site.method().equals("rtn") && site.tokens() == 0);
        assertThat(uncovered).allMatch(site -> site.events().getFirst().kind().equals("UncoveredExpert"));
        // The others have statistics of their own tokens.
        for (int expert = 0; expert < 3; expert++) {
            for (SiteReport site : ofExpert(result, expert)) {
                int block =
                        Integer.parseInt(site.name().substring("model.layers.".length(), "model.layers.".length() + 1));
                assertThat(site.tokens())
                        .isEqualTo(
                                result.evidence().experts().get(block).tokens().get(expert));
                assertThat(site.method()).isEqualTo("gptq");
            }
        }
        assertThat(result.evidence().sites())
                .extracting(SiteReport::name)
                .noneMatch(name -> name.contains("moe.gate."));
    }

    @Test
    void theRecipeCanWantItSo() throws IOException {
        QuantizationResult result = run("uncovered_experts: rtn-below(1)\n", "asked", 1);
        assertThat(result.fellBack()).isFalse();
        assertThat(ofExpert(result, 3)).allMatch(site -> site.method().equals("rtn"));
    }

    @Test
    void routeAllTakesTheStatisticsOfAllTokens() throws IOException {
        QuantizationResult result = run("uncovered_experts: route-all\n", "all", 2);
        assertThat(result.fellBack()).isFalse();
        assertThat(ofExpert(result, 3))
                .hasSize(9)
                .allMatch(site -> site.method().equals("gptq") && site.tokens() == TOKENS);
        assertThat(ofExpert(result, 3))
                .allMatch(site -> site.proxyLoss() != null && site.proxyLoss() > 0)
                .allMatch(site -> site.events().getFirst().message().contains("statistics are of all tokens"));
        assertThat(ofExpert(result, 0)).allMatch(site -> site.tokens() < TOKENS);
    }

    @Test
    void aThresholdAboveAllTokensRoundsEveryExpert() throws IOException {
        QuantizationResult result = run("uncovered_experts: rtn-below(1000)\n", "below", 2);
        assertThat(ofExpert(result, 0)).allMatch(site -> site.method().equals("rtn"));
        assertThat(result.evidence().sites())
                .filteredOn(site -> site.name().contains("self_attn"))
                .allMatch(site -> site.method().equals("gptq"));
    }

    @Test
    void failEndsTheRunAndNamesTheExperts() {
        assertThatThrownBy(() -> run("uncovered_experts: fail\n", "fail", 2))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-710")
                .hasMessageContaining("[3] of block 0");
        assertThat(temporary.resolve("fail")).doesNotExist();
    }

    @Test
    void piecesOfOtherMachinesDoNotSeeWhatTheRouterSends() throws IOException {
        Recipe recipe =
                Recipes.parse("r", "steps:\n  - weights: {method: gptq, format: int3, group: 16}\npropagate: float\n");
        try (ModelFile file = ModelFile.open(model)) {
            assertThatThrownBy(() -> Quantizer.checkSpread(file, recipe))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("HT-687")
                    .hasMessageContaining("router");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"perhaps", "rtn-below(x)", "route-all()", "fail(12345678)"})
    void otherPoliciesAreRefused(String policy) {
        assertThatThrownBy(() -> Recipes.parse(
                        "r", "steps:\n  - weights: {method: rtn, format: int4}\nuncovered_experts: " + policy + "\n"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-711");
    }

    @Test
    void routersAreQuantizedOnlyWhereTheRecipeNamesThem() throws IOException {
        Path recipe = Files.writeString(temporary.resolve("router.yaml"), """
                steps:
                  - weights: {method: gptq, format: int8, group: -1, targets: ["*", "*.gate.weight"]}
                on_fallback: allow
                """);
        QuantizationResult result = run(recipe, "router", 2);
        assertThat(result.evidence().sites())
                .filteredOn(site -> site.name().endsWith("moe.gate.weight"))
                .hasSize(3)
                .allMatch(site -> site.method().equals("gptq") && site.tokens() == TOKENS);
    }

    @Test
    void threadsDoNotChangeTheBytes() throws IOException {
        run("on_fallback: allow\n", "one", 1);
        run("on_fallback: allow\n", "two", 2);
        assertThat(Files.mismatch(
                        temporary.resolve("one").resolve("model.safetensors"),
                        temporary.resolve("two").resolve("model.safetensors")))
                .isEqualTo(-1);
    }

    private static List<SiteReport> ofExpert(QuantizationResult result, int expert) {
        return result.evidence().sites().stream()
                .filter(site -> site.name().contains(".experts." + expert + "."))
                .toList();
    }

    private static QuantizationResult run(String more, String name, int threads) throws IOException {
        Path recipe = Files.writeString(
                temporary.resolve(name + ".yaml"),
                "steps:\n  - weights: {method: gptq, format: int4, group: -1}\n" + more);
        return run(recipe, name, threads);
    }

    private static QuantizationResult run(Path recipe, String name, int threads) throws IOException {
        Path text = Files.writeString(temporary.resolve(name + ".txt"), FamilyPipelineTest.text(model, 320, 2));
        CalibrationSource source = new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(text));
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(threads)) {
            CalibrationSet set = CalibrationSets.draw(new CalibrationOptions(source, 16, 12, 1), file, workers);
            return new Quantizer(
                            file,
                            Recipes.open(recipe.toString()),
                            set,
                            Compute.FLOAT32,
                            temporary.resolve(name),
                            workers)
                    .run(Provenance.of(List.of(), Map.of()), (_, _) -> {});
        }
    }
}
