package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.FamilyFixtures;
import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.evaluate.Evaluation;
import dev.halftone.evaluate.Scores;
import dev.halftone.evaluate.WindowRule;
import dev.halftone.export.huggingface.HuggingFaceExport;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.Junction;
import dev.halftone.model.LinearSite;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.QuantizationResult.Evidence;
import dev.halftone.recipe.QuantizationResult.TransformReport;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every family through the pipeline: no linear is left out, and what is left out of a transform says why. */
class FamilyPipelineTest {
    @TempDir
    private static Path temporary = Path.of("");

    @ParameterizedTest
    @MethodSource("dev.halftone.FamilyFixtures#layouts")
    void gptqReachesEveryLinearOfTheFamily(String fixture) throws IOException {
        Path model = model(fixture);
        Path out = temporary.resolve(fixture + "-gptq");
        Evidence evidence = quantize(model, "gptq-w4", out);
        List<LinearSite> linears = targets(model);
        assertThat(evidence.sites())
                .extracting(SiteReport::name)
                .containsExactlyInAnyOrderElementsOf(
                        linears.stream().map(LinearSite::weight).toList());
        for (SiteReport site : evidence.sites()) {
            boolean uncovered =
                    site.events().stream().anyMatch(event -> event.kind().equals("UncoveredExpert"));
            assertThat(site.format()).as(site.name()).startsWith("int4");
            if (uncovered) {
                assertThat(site.method()).as(site.name()).isEqualTo("rtn");
                assertThat(site.tokens()).isZero();
            } else {
                assertThat(site.method()).as(site.name()).isEqualTo("gptq");
                assertThat(site.tokens()).as(site.name()).isPositive();
                assertThat(site.inputTrace()).as(site.name()).isPositive();
                assertThat(site.proxyLoss()).as(site.name()).isPositive().isLessThan(0.2);
            }
        }
        assertThat(evidence.sites().stream().filter(site -> site.codesChanged() > 0))
                .as("weights whose codes are not those of rounding")
                .hasSizeGreaterThan(evidence.sites().size() / 2);
        checkCoverage(evidence);
        checkStored(out, linears);
        assertThat(divergence(out, model)).isBetween(1e-7, 5.0);
    }

    @ParameterizedTest
    @MethodSource("dev.halftone.FamilyFixtures#layouts")
    void smoothQuantIsFoldedIntoEveryNormOrSaysWhyNot(String fixture) throws IOException {
        Path model = model(fixture);
        Path out = temporary.resolve(fixture + "-smooth");
        Evidence evidence = quantize(model, "smoothquant-w8a8", out);
        Map<String, TransformReport> reports =
                evidence.transforms().stream().collect(Collectors.toMap(TransformReport::site, report -> report));
        int expected = 0;
        try (ModelFile file = ModelFile.open(model)) {
            for (int i = 0; i < file.spec().layers(); i++) {
                for (Junction junction : file.spec().junctions(i)) {
                    if (junction.stage() == 0 || junction.stage() == 2) {
                        expected++;
                        TransformReport report = Objects.requireNonNull(reports.get(junction.name()), junction.name());
                        boolean norm = junction.producer() instanceof Junction.NormOutput;
                        assertThat(report.folded()).isEqualTo(norm);
                        assertThat(report.reason().isEmpty()).isEqualTo(norm);
                    }
                }
            }
        }
        assertThat(reports).hasSize(expected);
        checkStored(out, targets(model));
        assertThat(evidence.sites())
                .hasSameSizeAs(targets(model))
                .allMatch(site -> String.valueOf(site.inputs()).startsWith("int8"));
        assertThat(divergence(out, model)).isBetween(0.0, 0.05);
    }

    /** Fused projections, experts and routers, one norm for two, gains 1 + w: names and shapes are the family's own. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "phi3",
                "mixtral",
                "deepseek",
                "gemma2",
                "bloom",
                "cohere",
                "falcon40",
                "neox",
                "stablelm",
                "chatglm"
            })
    void compressedTensorsHoldEveryPackedWeight(String fixture) throws IOException {
        Path model = model(fixture);
        Path packed = temporary.resolve(fixture + "-rtn");
        quantize(model, "rtn-w4-sym", packed);
        try (ModelFile file = ModelFile.open(packed)) {
            HuggingFaceExport.Written written =
                    HuggingFaceExport.write(file, "compressed-tensors", temporary.resolve(fixture + "-exported"));
            assertThat(written.equal()).isEqualTo(targets(model).size());
        }
    }

    private static void checkCoverage(Evidence evidence) {
        long tokens =
                evidence.calibration() == null ? 0 : evidence.calibration().tokens();
        for (QuantizationResult.ExpertCoverage block : evidence.experts()) {
            assertThat(block.tokens().stream().mapToLong(Long::longValue).sum()).isEqualTo(tokens * block.perToken());
        }
    }

    /** Everything that can be targeted is packed, and nothing else in the blocks. */
    private static void checkStored(Path out, List<LinearSite> linears) {
        List<String> packed = new ArrayList<>();
        try (ModelFile file = ModelFile.open(out)) {
            for (LinearSite site : Decoder.linears(file.spec())) {
                file.packedWeight(site.weight()).ifPresent(_ -> packed.add(site.weight()));
            }
        }
        assertThat(packed)
                .containsExactlyInAnyOrderElementsOf(
                        linears.stream().map(LinearSite::weight).toList());
    }

    private static List<LinearSite> targets(Path model) {
        try (ModelFile file = ModelFile.open(model)) {
            return Decoder.linears(file.spec()).stream()
                    .filter(site -> site.part() != LinearSite.Part.ROUTER)
                    .toList();
        }
    }

    private static synchronized Path model(String fixture) throws IOException {
        Path target = temporary.resolve(fixture);
        return Files.isDirectory(target) ? target : FamilyFixtures.withTokenizer(fixture, target);
    }

    /** Random words of the model's vocabulary. */
    static String text(Path model, int words, long seed) {
        try (ModelFile file = ModelFile.open(model)) {
            int vocabulary = file.spec().embedding().vocabulary();
            Random random = new Random(seed);
            return IntStream.range(0, words)
                    .mapToObj(_ -> "w" + random.nextInt(vocabulary))
                    .collect(Collectors.joining(" "));
        }
    }

    private static Evidence quantize(Path model, String recipe, Path out) throws IOException {
        return quantize(model, recipe, out, temporary);
    }

    static Evidence quantize(Path model, String recipe, Path out, Path texts) throws IOException {
        Path text = Files.writeString(texts.resolve(out.getFileName() + ".txt"), text(model, 320, 2));
        CalibrationSource source = new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(text));
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(2)) {
            CalibrationSet set = CalibrationSets.draw(new CalibrationOptions(source, 16, 12, 1), file, workers);
            return new Quantizer(file, Recipes.open(recipe), set, Compute.FLOAT32, out, workers)
                    .run(Provenance.of(List.of(), Map.of()), (_, _) -> {})
                    .evidence();
        }
    }

    private static double divergence(Path path, Path reference) {
        try (ModelFile file = ModelFile.open(path);
                ModelFile other = ModelFile.open(reference);
                TextTokenizer tokenizer = file.tokenizer();
                Decoder decoder = file.decoder(Compute.FLOAT32);
                Decoder referenceDecoder = other.decoder(Compute.FLOAT32);
                Workers workers = new Workers(2)) {
            List<WindowRule.Window> windows =
                    new WindowRule.Gptq().cut(tokenizer.encode(text(reference, 100, 3)), -1, 12, -1, "text");
            Scores scores = Evaluation.run(decoder, referenceDecoder, windows, workers, temporary, (_, _) -> {});
            assertThat(scores.divergence()).isNotNull();
            return scores.divergence().value();
        }
    }
}
