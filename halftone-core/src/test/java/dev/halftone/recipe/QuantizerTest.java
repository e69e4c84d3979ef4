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
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
        assertThat(result.phases().keySet()).containsExactly("load", "forward", "statistics", "solve", "pack", "save");
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
                .hasMessage(
                        "HT-431 model.layers.0.mlp.down_proj.weight: a group of 32 does not divide its 48 inputs; group"
                                + " sizes that divide all targeted layers: 8, 16");
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
                    .run(Provenance.of(file.checkpoint().files(), Map.of()), (_, _) -> {});
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
