package dev.halftone.examples;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.evaluate.Evaluation;
import dev.halftone.evaluate.Scores;
import dev.halftone.evaluate.WindowRule;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.QuantizationResult;
import dev.halftone.recipe.Quantizer;
import dev.halftone.recipe.Recipe;
import dev.halftone.recipe.Recipes;
import dev.halftone.recipe.SiteReport;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TextTokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Opens a model, quantizes it by a recipe, reads the evidence, and measures the packed result against the original. */
public final class QuantizeAndMeasure {
    private QuantizeAndMeasure() {}

    /** Arguments: MODEL RECIPE CALIBRATION_TEXT TEST_TEXT OUT_DIRECTORY. */
    public static void main(String[] args) {
        Path model = Path.of(args[0]);
        Path out = Path.of(args[4]);
        CalibrationSource text = new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(Path.of(args[2])));
        CalibrationOptions calibration = new CalibrationOptions(text, 128, 512, 1);
        QuantizationResult result = quantize(model, Recipes.open(args[1]), calibration, out);
        for (SiteReport site : result.evidence().sites()) {
            System.out.printf(
                    "%s %s loss %s (rounding alone: %s)%n",
                    site.name(), site.format(), site.proxyLoss(), site.rtnLoss());
        }
        Scores scores = measure(out, model, Path.of(args[3]), 512);
        System.out.printf(
                "perplexity %.3f (original %.3f), KL divergence %.4f +/- %.4f%n",
                scores.perplexity().value(),
                scores.referencePerplexity().value(),
                scores.divergence().value(),
                scores.divergence().error());
    }

    /** Runs a recipe; the result's evidence says what was done to each weight. */
    static QuantizationResult quantize(Path model, Recipe recipe, CalibrationOptions options, Path out) {
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(Runtime.getRuntime().availableProcessors())) {
            CalibrationSet calibration = CalibrationSets.draw(options, file, workers);
            Provenance provenance = Provenance.of(file.checkpoint().files(), Map.of("recipe", recipe.name()));
            return new Quantizer(file, recipe, calibration, Compute.FLOAT32, out, workers)
                    .run(provenance, (done, total) -> {});
        }
    }

    /** Scores both models on windows of a text, on the same positions. */
    static Scores measure(Path packed, Path original, Path text, int length) {
        try (ModelFile file = ModelFile.open(packed);
                ModelFile reference = ModelFile.open(original);
                TextTokenizer tokenizer = file.tokenizer();
                Decoder decoder = file.decoder(Compute.FLOAT32);
                Decoder referenceDecoder = reference.decoder(Compute.FLOAT32);
                Workers workers = new Workers(Runtime.getRuntime().availableProcessors())) {
            int bos = tokenizer.addsBos() ? tokenizer.bosId() : -1;
            List<WindowRule.Window> windows =
                    new WindowRule.Gptq().cut(tokenizer.encode(TextFiles.read(text)), bos, length, -1, text.toString());
            Path spill = Path.of(System.getProperty("java.io.tmpdir"));
            return Evaluation.run(decoder, referenceDecoder, windows, workers, spill, (done, total) -> {});
        }
    }
}
