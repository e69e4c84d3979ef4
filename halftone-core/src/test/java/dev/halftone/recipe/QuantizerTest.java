package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.TinyModel;
import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.error.InputException;
import dev.halftone.evaluate.Evaluation;
import dev.halftone.evaluate.Scores;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.format.ModelFile;
import dev.halftone.format.PackedLayout;
import dev.halftone.model.Decoder;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizerTest {
    @TempDir
    private static Path temporary = Path.of("");

    private static TinyRuns runs = new TinyRuns(temporary, temporary, temporary);

    @BeforeAll
    static void write() throws IOException {
        runs = TinyRuns.in(temporary);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rtn-w3g16", "gptq-w3g16", "gptq-w4g16-sym-minmax"})
    void theSameInputsGiveTheSameBytesWithAnyNumberOfThreads(String recipe) throws IOException {
        Path one = runs.quantize(recipe, recipe + "-one", 1);
        Path two = runs.quantize(recipe, recipe + "-two", 2);
        Path again = runs.quantize(recipe, recipe + "-again", 2);
        assertThat(TinyRuns.contents(two)).isEqualTo(TinyRuns.contents(one));
        assertThat(TinyRuns.contents(again)).isEqualTo(TinyRuns.contents(one));
        assertThat(TinyRuns.contents(one))
                .containsOnlyKeys(
                        "config.json", "halftone.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json");
    }

    /** Every kind of storage goes through files, and what is read back is what the next block saw. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1| rtn, format: int4, group: tensor, mode: sym, scale: fp32",
                "2| rtn, format: int4, group: 8x16, mode: signed-max, scale: bf16, search: norm",
                "3| rtn, format: int3, group: 16, mode: affine, search: {name: mse, refits: 3}",
                "4| rtn, format: ternary, group: 16, scale: e8m0, search: output",
                "5| rtn, format: binary, group: 16, scale: e4m3",
                "6| gptq, format: int3, group: 16, static_groups: false, scale: e4m3, search: output",
                "7| gptq, format: int3, group: 16, order: gar, static_groups: false, mode: sym-full",
                "8| gptq, format: int2, group: 8, order: natural, static_groups: false, stale_grids: true, mode: affine",
                "9| rtn, format: mxfp4, group: 16, rule: floor-4-3",
                "10| gptq, format: nvfp4, static_groups: false",
                "11| gptq, format: mxfp6_e3m2, group: 16, rule: mse",
                "12| rtn, format: nf4, group: 16, search: output",
                "13| gptq, format: codebook, levels: [-1, -0.3, 0, 0.3, 1], group: 8x16",
                "14| rtn, format: fp8_e5m2, group: tensor",
            })
    void everyFormatGoesThroughFilesWithAnyNumberOfThreads(int number, String keys) throws IOException {
        Path recipe = Files.writeString(
                temporary.resolve("recipe" + number + ".yaml"), "steps:\n  - weights: {method: " + keys + "}\n");
        Path one = temporary.resolve("formats-one-" + number);
        Path two = temporary.resolve("formats-two-" + number);
        QuantizationResult result = runs.run(recipe.toString(), one, 1);
        runs.run(recipe.toString(), two, 2);
        assertThat(TinyRuns.contents(two)).isEqualTo(TinyRuns.contents(one));
        assertThat(result.fellBack()).isFalse();
        double bits = result.evidence().sites().stream()
                .mapToDouble(SiteReport::bitsPerWeight)
                .max()
                .orElseThrow();
        assertThat(result.evidence().bitsPerWeight()).isBetween(1.0, bits);
        Scores scores = runs.scores(one, runs.model());
        assertThat(scores.divergence().value()).isPositive().isFinite();
        try (ModelFile written = ModelFile.open(one)) {
            assertThat(written.quantization())
                    .contains(result.evidence().sites().getFirst().format());
        }
    }

    /** All activations in memory, and all in files. */
    @ParameterizedTest
    @ValueSource(strings = {"gptq-w3g16", "smoothquant-w4a8", "awq-w4g16"})
    void whereActivationsWaitDoesNotMatter(String recipe) throws IOException {
        List<Map<String, String>> results = new ArrayList<>();
        for (Spill.When when : List.of(Spill.When.NEVER, Spill.When.ALWAYS)) {
            Path out = temporary.resolve(recipe + "-" + when);
            CalibrationSource source = new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(runs.text()));
            try (ModelFile file = ModelFile.open(runs.model());
                    Workers workers = new Workers(2)) {
                CalibrationSet set = CalibrationSets.draw(new CalibrationOptions(source, 16, 32, 1), file, workers);
                new Quantizer(file, Recipes.open(recipe), set, Compute.FLOAT32, out, when, workers)
                        .run(Provenance.of(List.of(), Map.of()), (_, _) -> {});
            }
            results.add(TinyRuns.contents(out));
        }
        assertThat(results.getLast()).isEqualTo(results.getFirst());
    }

    @ParameterizedTest
    @ValueSource(strings = {"gptq", "rtn"})
    void blocksBehindTheLastTargetAreKeptWithoutWorkOnThem(String method) throws IOException {
        Path recipe = Files.writeString(
                temporary.resolve("first-" + method + ".yaml"),
                "steps:\n  - weights: {method: " + method
                        + ", format: int4, group: 16, targets: [\"model.layers.0.*\"]}\n");
        Path out = temporary.resolve("first-" + method);
        QuantizationResult result = runs.run(recipe.toString(), out, 2);
        assertThat(result.evidence().sites())
                .hasSize(7)
                .allSatisfy(site -> assertThat(site.name()).startsWith("model.layers.0."));
        assertThat(result.blockSeconds()).hasSize(1);
        assertThat(result.projectedSeconds(2))
                .isCloseTo(result.seconds() + result.blockSeconds().getFirst(), within(1e-9));
        Path whole = runs.quantize(method + "-w4g16", "first-whole-" + method, 2);
        try (ModelFile file = ModelFile.open(out);
                ModelFile both = ModelFile.open(whole);
                ModelFile original = ModelFile.open(runs.model())) {
            String codes = "model.layers.0.mlp.down_proj.weight"
                    + PackedLayout.suffixes().getFirst();
            assertThat(file.checkpoint()
                            .tensor(codes)
                            .bytes()
                            .mismatch(both.checkpoint().tensor(codes).bytes()))
                    .isEqualTo(-1);
            String kept = "model.layers.1.mlp.down_proj.weight";
            assertThat(file.checkpoint()
                            .tensor(kept)
                            .bytes()
                            .mismatch(original.checkpoint().tensor(kept).bytes()))
                    .isEqualTo(-1);
        }
    }

    @Test
    void inputsWhoseGroupDoesNotDivideAreRefusedWithTheLine() throws IOException {
        Path recipe = Files.writeString(temporary.resolve("inputs.yaml"), """
                steps:
                  - weights: {method: rtn, format: int8}
                  - inputs: {format: int8, granularity: group, group: 5}
                """);
        assertThatThrownBy(() -> runs.run(recipe.toString(), temporary.resolve("refused"), 1))
                .hasMessageStartingWith("HT-431 " + recipe + ":3:13: a group of 5 does not divide the 32 inputs of");
    }

    @Test
    void everyWeightIsQuantizedAndTheEvidenceSaysHow() throws IOException {
        QuantizationResult result = runs.run("gptq-w3g16", temporary.resolve("evidence"), 2);
        List<SiteReport> sites = result.evidence().sites();
        assertThat(sites).hasSize(14);
        assertThat(sites).allSatisfy(site -> {
            assertThat(site.tokens()).isEqualTo(16 * 32);
            assertThat(site.proxyLoss()).isPositive().isLessThan(site.rtnLoss());
            assertThat(site.codesChanged()).isPositive();
            assertThat(site.inputTrace()).isPositive();
            assertThat(site.bitsPerWeight()).isBetween(4.0, 4.5);
        });
        assertThat(result.phases().keySet())
                .containsExactly(
                        "load", "forward", "statistics", "transform", "solve", "evidence", "pack", "save", "distill");
        assertThat(result.fellBack()).isFalse();
    }

    @Test
    void theEvidenceNamesTheTokensThatWereReadAndNoneWhereNoneAreNeeded() {
        CalibrationSet.Report report = Objects.requireNonNull(
                runs.run("gptq-w3g16", temporary.resolve("named"), 2).evidence().calibration());
        assertThat(report.source()).isEqualTo("text");
        assertThat(report.mode()).isEqualTo("first");
        assertThat(report.tokens()).isEqualTo(16 * 32);
        assertThat(report.sha256()).hasSize(64);
        assertThat(runs.run("rtn-w3g16", temporary.resolve("unnamed"), 2)
                        .evidence()
                        .calibration())
                .isNull();
    }

    @Test
    void sequencesOfDifferentLengthsReachEveryWeightWithAnyNumberOfThreads() throws IOException {
        List<Integer> lengths = List.of(3, 40, 17, 32, 1, 29, 8, 25, 31, 12, 20, 5, 60, 2, 30, 11);
        Path documents = temporary.resolve("documents.jsonl");
        Files.write(
                documents,
                lengths.stream()
                        .map(length -> "{\"text\": \"" + TinyModel.text(length, length) + "\"}")
                        .toList());
        Path one = temporary.resolve("lengths-one");
        Path two = temporary.resolve("lengths-two");
        String model = runs.model().toString();
        QuantizationResult result = runs.run(model, "gptq-w3g16", CalibrationSource.Mode.TRUNCATE, documents, one, 1);
        runs.run(model, "gptq-w3g16", CalibrationSource.Mode.TRUNCATE, documents, two, 2);
        int tokens = lengths.stream().mapToInt(length -> Math.min(length, 32)).sum();
        assertThat(result.evidence().sites()).hasSize(14).allSatisfy(site -> {
            assertThat(site.tokens()).isEqualTo(tokens);
            assertThat(site.proxyLoss()).isPositive().isLessThan(site.rtnLoss());
        });
        assertThat(TinyRuns.contents(two)).isEqualTo(TinyRuns.contents(one));
    }

    @Test
    void moreBitsLieCloserToTheReferenceAndGptqCloserThanRtn() throws IOException {
        Map<String, Double> divergence = new TreeMap<>();
        for (String recipe : List.of("rtn-w8g16", "rtn-w4g16", "rtn-w3g16", "rtn-w2g16", "gptq-w4g16-minmax")) {
            Path packed = runs.quantize(recipe, "quality-" + recipe, 2);
            divergence.put(
                    recipe, runs.scores(packed, runs.model()).divergence().value());
        }
        assertThat(divergence.get("rtn-w8g16")).isLessThan(0.01);
        assertThat(divergence.get("rtn-w4g16")).isLessThan(divergence.get("rtn-w3g16"));
        assertThat(divergence.get("rtn-w3g16")).isLessThan(divergence.get("rtn-w2g16"));
        // Same grids: the error feedback alone. Fewer bits leave nothing but noise of a random model.
        assertThat(divergence.get("gptq-w4g16-minmax")).isLessThan(divergence.get("rtn-w4g16"));
    }

    /** Stopped behind a block, and once more in the middle of the next one. */
    @ParameterizedTest
    @ValueSource(strings = {"gptq-w3g16", "rtn-w4g16", "smoothquant-w4a8", "awq-w4g16"})
    void aRunThatStoppedGoesOnToTheSameBytes(String recipe) throws IOException {
        Path whole = runs.quantize(recipe, "whole-" + recipe, 2);
        Path stopped = temporary.resolve("stopped-" + recipe);
        assertThatThrownBy(() -> resume(runs.model(), recipe, stopped, 1, 1)).isInstanceOf(Stopped.class);
        assertThat(stopped).doesNotExist();
        Path work = temporary.resolve(".stopped-" + recipe + ".halftone");
        // What a killed run may leave of a block that it did not finish.
        Files.writeString(work.resolve("block-00001.safetensors"), "half a file");
        Files.writeString(work.resolve("manifest.json.new"), "half a manifest");
        assertThatThrownBy(() -> resume(runs.model(), "gptq-w2g16", stopped, 1, 9))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-435");
        List<Integer> done = resume(runs.model(), recipe, stopped, 2, 9);
        assertThat(done).containsExactly(2);
        assertThat(TinyRuns.contents(stopped)).isEqualTo(TinyRuns.contents(whole));
        assertThat(work).doesNotExist();
    }

    @Test
    void resumingNothingBeginsAndNotResumingBeginsAnew() throws IOException {
        Path out = temporary.resolve("fresh");
        assertThat(resume(runs.model(), "gptq-w3g16", out, 2, 9)).containsExactly(1, 2);
        Path other = temporary.resolve("anew");
        assertThatThrownBy(() -> resume(runs.model(), "gptq-w2g16", other, 1, 1))
                .isInstanceOf(Stopped.class);
        runs.run("gptq-w3g16", other, 2);
        assertThat(TinyRuns.contents(other)).isEqualTo(TinyRuns.contents(out));
    }

    private static final class Stopped extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** The blocks that were reported, which end with an exception behind block {@code last}. */
    private static List<Integer> resume(Path model, String recipe, Path out, int threads, int last) {
        CalibrationSource source = new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(runs.text()));
        List<Integer> blocks = new ArrayList<>();
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(threads)) {
            CalibrationSet set = CalibrationSets.draw(new CalibrationOptions(source, 16, 32, 1), file, workers);
            new Quantizer(file, Recipes.open(recipe), set, Compute.FLOAT32, out, workers)
                    .run(Provenance.of(file.checkpoint().files(), Map.of("recipe", recipe)), true, (done, _) -> {
                        blocks.add(done);
                        if (done >= last) {
                            throw new Stopped();
                        }
                    });
        }
        return blocks;
    }

    @Test
    void aModelComparedWithItselfDoesNotDiverge() {
        Scores scores = runs.scores(runs.model(), runs.model());
        assertThat(scores.divergence().value()).isCloseTo(0, within(1e-12));
        assertThat(scores.agreement().value()).isEqualTo(1);
        assertThat(scores.logRatio().value()).isZero();
        assertThat(scores.perplexity()).isEqualTo(scores.referencePerplexity());
        assertThat(scores.klQuantile(1)).isCloseTo(0, within(1e-12));
    }

    @Test
    void perplexityIsTheOneOfAPlainForwardPass() {
        try (ModelFile file = ModelFile.open(runs.model());
                Decoder decoder = file.decoder(Compute.FLOAT32)) {
            int[] tokens = new int[32];
            for (int i = 0; i < tokens.length; i++) {
                tokens[i] = (i * 37) % TinyModel.VOCABULARY;
            }
            double[] nll = new double[31];
            dev.halftone.tensor.Torch.inScope(() -> {
                float[] logits = dev.halftone.tensor.Tensors.floats(
                        decoder.forward(tokens, dev.halftone.model.SiteObserver.NONE));
                for (int p = 1; p < tokens.length; p++) {
                    double sum = 0;
                    for (int v = 0; v < TinyModel.VOCABULARY; v++) {
                        sum += Math.exp(logits[(p - 1) * TinyModel.VOCABULARY + v]);
                    }
                    nll[p - 1] = Math.log(sum) - logits[(p - 1) * TinyModel.VOCABULARY + tokens[p]];
                }
            });
            Scores scores;
            try (Workers workers = new Workers(2)) {
                scores =
                        Evaluation.run(decoder, null, List.of(new Window(tokens, 1)), workers, temporary, (_, _) -> {});
            }
            assertThat(scores.nll()).usingComparatorWithPrecision(1e-4).containsExactly(nll);
        }
    }

    @Test
    void aGroupThatDividesNoLayerIsRefusedWithTheSizesThatDoAndNothingIsWritten() {
        Path out = temporary.resolve("refused");
        assertThatThrownBy(() -> runs.run("gptq-w3g32", out, 1))
                .isInstanceOf(InputException.class)
                .hasMessage("HT-431 gptq-w3g32:3:7: a group of 32 does not divide the 48 inputs of"
                        + " model.layers.0.mlp.down_proj.weight; group sizes that divide all targeted layers: 8,"
                        + " 16");
        assertThat(out).doesNotExist();
        assertThat(temporary.resolve(".refused.halftone")).doesNotExist();
    }

    @Test
    void aFullOutputDirectoryAndAPackedSourceAreRefused() throws IOException {
        Path packed = runs.quantize("rtn-w4g16", "packed", 1);
        assertThatThrownBy(() -> runs.run("rtn-w4g16", packed, 1))
                .hasMessageContaining("HT-434")
                .hasMessageContaining("not empty");
        Path twice = temporary.resolve("twice");
        assertThatThrownBy(() ->
                        runs.run(packed.toString(), "rtn-w4g16", CalibrationSource.Mode.FIRST, runs.text(), twice, 1))
                .hasMessageContaining("HT-432");
    }
}
