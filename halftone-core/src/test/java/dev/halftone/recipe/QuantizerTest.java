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
import dev.halftone.evaluate.WindowRule;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.format.InputRounding;
import dev.halftone.format.ModelFile;
import dev.halftone.format.PackedLayout;
import dev.halftone.model.Decoder;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizerTest {
    @TempDir
    private static Path temporary = Path.of("");

    private static Path model = Path.of("");
    private static Path text = Path.of("");

    @BeforeAll
    static void write() throws IOException {
        model = TinyModel.write(temporary.resolve("tiny"), 1);
        text = Files.writeString(temporary.resolve("text.txt"), TinyModel.text(600, 2));
    }

    @ParameterizedTest
    @ValueSource(strings = {"rtn-w3g16", "gptq-w3g16", "gptq-w4g16-sym-minmax"})
    void theSameInputsGiveTheSameBytesWithAnyNumberOfThreads(String recipe) throws IOException {
        Path one = quantize(recipe, recipe + "-one", 1);
        Path two = quantize(recipe, recipe + "-two", 2);
        Path again = quantize(recipe, recipe + "-again", 2);
        assertThat(contents(two)).isEqualTo(contents(one));
        assertThat(contents(again)).isEqualTo(contents(one));
        assertThat(contents(one))
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
        QuantizationResult result = run(recipe.toString(), one, 1);
        run(recipe.toString(), two, 2);
        assertThat(contents(two)).isEqualTo(contents(one));
        assertThat(result.fellBack()).isFalse();
        double bits = result.evidence().sites().stream()
                .mapToDouble(SiteReport::bitsPerWeight)
                .max()
                .orElseThrow();
        assertThat(result.evidence().bitsPerWeight()).isBetween(1.0, bits);
        Scores scores = scores(one, model);
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
            CalibrationSource source = new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(text));
            try (ModelFile file = ModelFile.open(model);
                    Workers workers = new Workers(2)) {
                CalibrationSet set = CalibrationSets.draw(new CalibrationOptions(source, 16, 32, 1), file, workers);
                new Quantizer(file, Recipes.open(recipe), set, Compute.FLOAT32, out, when, workers)
                        .run(Provenance.of(List.of(), Map.of()), (_, _) -> {});
            }
            results.add(contents(out));
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
        QuantizationResult result = run(recipe.toString(), out, 2);
        assertThat(result.evidence().sites())
                .hasSize(7)
                .allSatisfy(site -> assertThat(site.name()).startsWith("model.layers.0."));
        assertThat(result.blockSeconds()).hasSize(1);
        assertThat(result.projectedSeconds(2))
                .isCloseTo(result.seconds() + result.blockSeconds().getFirst(), within(1e-9));
        Path whole = quantize(method + "-w4g16", "first-whole-" + method, 2);
        try (ModelFile file = ModelFile.open(out);
                ModelFile both = ModelFile.open(whole);
                ModelFile original = ModelFile.open(model)) {
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
        assertThatThrownBy(() -> run(recipe.toString(), temporary.resolve("refused"), 1))
                .hasMessageStartingWith("HT-431 " + recipe + ":3:13: a group of 5 does not divide the 32 inputs of");
    }

    @Test
    void everyWeightIsQuantizedAndTheEvidenceSaysHow() throws IOException {
        QuantizationResult result = run("gptq-w3g16", temporary.resolve("evidence"), 2);
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
                .containsExactly("load", "forward", "statistics", "transform", "solve", "pack", "save");
        assertThat(result.fellBack()).isFalse();
    }

    @Test
    void theEvidenceNamesTheTokensThatWereReadAndNoneWhereNoneAreNeeded() {
        CalibrationSet.Report report = Objects.requireNonNull(
                run("gptq-w3g16", temporary.resolve("named"), 2).evidence().calibration());
        assertThat(report.source()).isEqualTo("text");
        assertThat(report.mode()).isEqualTo("first");
        assertThat(report.tokens()).isEqualTo(16 * 32);
        assertThat(report.sha256()).hasSize(64);
        assertThat(run("rtn-w3g16", temporary.resolve("unnamed"), 2).evidence().calibration())
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
        QuantizationResult result = run("gptq-w3g16", CalibrationSource.Mode.TRUNCATE, documents, one, 1);
        run("gptq-w3g16", CalibrationSource.Mode.TRUNCATE, documents, two, 2);
        int tokens = lengths.stream().mapToInt(length -> Math.min(length, 32)).sum();
        assertThat(result.evidence().sites()).hasSize(14).allSatisfy(site -> {
            assertThat(site.tokens()).isEqualTo(tokens);
            assertThat(site.proxyLoss()).isPositive().isLessThan(site.rtnLoss());
        });
        assertThat(contents(two)).isEqualTo(contents(one));
    }

    @Test
    void moreBitsLieCloserToTheReferenceAndGptqCloserThanRtn() throws IOException {
        Map<String, Double> divergence = new TreeMap<>();
        for (String recipe : List.of("rtn-w8g16", "rtn-w4g16", "rtn-w3g16", "rtn-w2g16", "gptq-w4g16-minmax")) {
            Path packed = quantize(recipe, "quality-" + recipe, 2);
            divergence.put(recipe, scores(packed, model).divergence().value());
        }
        assertThat(divergence.get("rtn-w8g16")).isLessThan(0.01);
        assertThat(divergence.get("rtn-w4g16")).isLessThan(divergence.get("rtn-w3g16"));
        assertThat(divergence.get("rtn-w3g16")).isLessThan(divergence.get("rtn-w2g16"));
        // Same grids: the error feedback alone. Fewer bits leave nothing but noise of a random model.
        assertThat(divergence.get("gptq-w4g16-minmax")).isLessThan(divergence.get("rtn-w4g16"));
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
        return scores(quantize(recipe, "inputs-" + recipe, 2), model)
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
        QuantizationResult result = run(recipe.toString(), packed, 2);
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
        run(recipe.toString(), again, 1);
        assertThat(contents(again)).isEqualTo(contents(packed));
        assertThat(scores(packed, model).divergence().value()).isPositive().isLessThan(0.05);
    }

    @Test
    void injectedOutliersRuinQuantizedInputsAndSmoothQuantTakesThemOut() throws IOException {
        String injected = model + "+outliers(g=64,channels=2)";
        double naive =
                scores(quantize("rtn-w8a8", "naive", 2), model).divergence().value();
        double ruined = scores(quantize(injected, "rtn-w8a8", "ruined"), model)
                .divergence()
                .value();
        assertThat(ruined).isGreaterThan(5 * naive);
        Path smooth = quantize("smoothquant-w8a8", "smooth", 2);
        Path smoothInjected = quantize(injected, "smoothquant-w8a8", "smooth-injected");
        assertThat(scores(smoothInjected, model).divergence().value()).isLessThan(ruined / 5);
        // g is a power of two: every number is the same, not only nearly.
        for (String file : List.of("model.safetensors", "config.json")) {
            assertThat(smoothInjected.resolve(file)).hasSameBinaryContentAs(smooth.resolve(file));
        }
    }

    /** Stopped behind a block, and once more in the middle of the next one. */
    @ParameterizedTest
    @ValueSource(strings = {"gptq-w3g16", "rtn-w4g16", "smoothquant-w4a8", "awq-w4g16"})
    void aRunThatStoppedGoesOnToTheSameBytes(String recipe) throws IOException {
        Path whole = quantize(recipe, "whole-" + recipe, 2);
        Path stopped = temporary.resolve("stopped-" + recipe);
        assertThatThrownBy(() -> resume(model, recipe, stopped, 1, 1)).isInstanceOf(Stopped.class);
        assertThat(stopped).doesNotExist();
        Path work = temporary.resolve(".stopped-" + recipe + ".halftone");
        // What a killed run may leave of a block that it did not finish.
        Files.writeString(work.resolve("block-00001.safetensors"), "half a file");
        Files.writeString(work.resolve("manifest.json.new"), "half a manifest");
        assertThatThrownBy(() -> resume(model, "gptq-w2g16", stopped, 1, 9))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-435");
        List<Integer> done = resume(model, recipe, stopped, 2, 9);
        assertThat(done).containsExactly(2);
        assertThat(contents(stopped)).isEqualTo(contents(whole));
        assertThat(work).doesNotExist();
    }

    @Test
    void resumingNothingBeginsAndNotResumingBeginsAnew() throws IOException {
        Path out = temporary.resolve("fresh");
        assertThat(resume(model, "gptq-w3g16", out, 2, 9)).containsExactly(1, 2);
        Path other = temporary.resolve("anew");
        assertThatThrownBy(() -> resume(model, "gptq-w2g16", other, 1, 1)).isInstanceOf(Stopped.class);
        run("gptq-w3g16", other, 2);
        assertThat(contents(other)).isEqualTo(contents(out));
    }

    private static final class Stopped extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** The blocks that were reported, which end with an exception behind block {@code last}. */
    private static List<Integer> resume(Path model, String recipe, Path out, int threads, int last) {
        CalibrationSource source = new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(text));
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

    /** Both sites that are searched through a module, and one that is searched through H. */
    @Test
    void awqLowersTheErrorThatItSearchesFor() throws IOException {
        String injected = model + "+outliers(g=32,channels=2)";
        Path rtn = quantize(injected, "rtn-w3g16", "awq-rtn");
        Path out = temporary.resolve("awq-out");
        QuantizationResult result = run("awq-w3g16", out, 2);
        assertThat(result.evidence().transforms())
                .isNotEmpty()
                .allSatisfy(report -> assertThat(report.method()).isEqualTo("awq"))
                .extracting(QuantizationResult.TransformReport::site)
                .contains("model.layers.0.self_attn.q_proj.input");
        Path awq = quantize(injected, "awq-w3g16", "awq-injected");
        assertThat(scores(awq, model).divergence().value())
                .isLessThan(scores(rtn, model).divergence().value());
        Path again = temporary.resolve("awq-again");
        run("awq-w3g16", again, 1);
        assertThat(contents(again)).isEqualTo(contents(out));
    }

    @Test
    void transformsThatNoSolverPacksAreStoredAsTheyAre() throws IOException {
        Path recipe = temporary.resolve("transform.yaml");
        Files.writeString(recipe, "propagate: float\nsteps:\n  - transform: {method: smoothquant, alpha: 0.7}\n");
        Path out = temporary.resolve("transformed");
        QuantizationResult result = run(recipe.toString(), out, 2);
        assertThat(result.evidence().transforms()).hasSize(4).allSatisfy(report -> {
            assertThat(report.method()).isEqualTo("smoothquant");
            assertThat(report.folded()).isTrue();
            assertThat(report.smallestScale()).isPositive().isLessThan(report.largestScale());
        });
        assertThat(scores(out, model).divergence().value()).isCloseTo(0, within(1e-9));
        assertThat(Provenance.sha256(out.resolve("model.safetensors")))
                .isNotEqualTo(Provenance.sha256(model.resolve("model.safetensors")));
    }

    private static Path quantize(String model, String recipe, String name) {
        Path out = temporary.resolve(name);
        CalibrationSource source = new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(text));
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(2)) {
            CalibrationSet set = CalibrationSets.draw(new CalibrationOptions(source, 16, 32, 1), file, workers);
            new Quantizer(file, Recipes.open(recipe), set, Compute.FLOAT32, out, workers)
                    .run(Provenance.of(file.checkpoint().files(), Map.of("recipe", recipe)), (_, _) -> {});
        }
        return out;
    }

    @Test
    void aModelComparedWithItselfDoesNotDiverge() {
        Scores scores = scores(model, model);
        assertThat(scores.divergence().value()).isCloseTo(0, within(1e-12));
        assertThat(scores.agreement().value()).isEqualTo(1);
        assertThat(scores.logRatio().value()).isZero();
        assertThat(scores.perplexity()).isEqualTo(scores.referencePerplexity());
        assertThat(scores.klQuantile(1)).isCloseTo(0, within(1e-12));
    }

    @Test
    void perplexityIsTheOneOfAPlainForwardPass() {
        try (ModelFile file = ModelFile.open(model);
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
        assertThatThrownBy(() -> run("gptq-w3g32", out, 1))
                .isInstanceOf(InputException.class)
                .hasMessage("HT-431 gptq-w3g32:3:7: a group of 32 does not divide the 48 inputs of"
                        + " model.layers.0.mlp.down_proj.weight; group sizes that divide all targeted layers: 8,"
                        + " 16");
        assertThat(out).doesNotExist();
        assertThat(temporary.resolve(".refused.halftone")).doesNotExist();
    }

    @Test
    void aFullOutputDirectoryAndAPackedSourceAreRefused() throws IOException {
        Path packed = quantize("rtn-w4g16", "packed", 1);
        assertThatThrownBy(() -> run("rtn-w4g16", packed, 1))
                .hasMessageContaining("HT-434")
                .hasMessageContaining("not empty");
        Path source = model;
        model = packed;
        try {
            assertThatThrownBy(() -> run("rtn-w4g16", temporary.resolve("twice"), 1))
                    .hasMessageContaining("HT-432");
        } finally {
            model = source;
        }
    }

    private static Path quantize(String recipe, String name, int threads) throws IOException {
        Path out = temporary.resolve(name);
        run(recipe, out, threads);
        return out;
    }

    private static QuantizationResult run(String recipe, Path out, int threads) {
        return run(recipe, CalibrationSource.Mode.FIRST, text, out, threads);
    }

    private static QuantizationResult run(
            String recipe, CalibrationSource.Mode mode, Path documents, Path out, int threads) {
        CalibrationSource source = new CalibrationSource.Text(mode, List.of(documents));
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(threads)) {
            CalibrationSet set = CalibrationSets.draw(new CalibrationOptions(source, 16, 32, 1), file, workers);
            return new Quantizer(file, Recipes.open(recipe), set, Compute.FLOAT32, out, workers)
                    .run(Provenance.of(file.checkpoint().files(), Map.of("recipe", recipe)), (_, _) -> {});
        }
    }

    private static Scores scores(Path path, @Nullable Path reference) {
        try (ModelFile file = ModelFile.open(path);
                ModelFile other = ModelFile.open(reference == null ? path : reference);
                TextTokenizer tokenizer = file.tokenizer();
                Decoder decoder = file.decoder(Compute.FLOAT32);
                Decoder referenceDecoder = other.decoder(Compute.FLOAT32);
                Workers workers = new Workers(2)) {
            List<Window> windows =
                    new WindowRule.Gptq().cut(tokenizer.encode(TinyModel.text(400, 3)), -1, 32, -1, "text");
            return Evaluation.run(decoder, referenceDecoder, windows, workers, temporary, (_, _) -> {});
        }
    }

    private static Map<String, String> contents(Path directory) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                contents.put(file.getFileName().toString(), Provenance.sha256(file));
            }
        }
        return contents;
    }
}
