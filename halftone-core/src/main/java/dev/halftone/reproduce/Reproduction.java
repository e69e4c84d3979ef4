package dev.halftone.reproduce;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.evaluate.Evaluation;
import dev.halftone.evaluate.ModelLogits;
import dev.halftone.evaluate.Scores;
import dev.halftone.evaluate.WindowRule;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.Quantizer;
import dev.halftone.recipe.Recipe;
import dev.halftone.recipe.Recipes;
import dev.halftone.reproduce.Claim.Case;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Runs the cases of a claim: each quantizes, writes the packed model, and measures that against the original. */
public final class Reproduction {
    /** Digits of a hash in a directory's name. */
    private static final int KEY = 10;

    private final CalibrationOptions calibration;
    private final Path text;
    private final int length;
    private final int chunks;
    private final Workers workers;

    /**
     * @param text to measure on
     * @param length tokens per window
     * @param chunks windows; -1 for all
     */
    public Reproduction(CalibrationOptions calibration, Path text, int length, int chunks, Workers workers) {
        this.calibration = calibration;
        this.text = text;
        this.length = length;
        this.chunks = chunks;
        this.workers = workers;
    }

    /** Told before each case. */
    @FunctionalInterface
    public interface Progress {
        void update(int done, int total, Case next);
    }

    /**
     * Runs all cases.
     *
     * @param directory for the packed models; one that is there already, of the same recipe, calibration and model, is measured and not
     *     made again
     */
    public Results run(Claim claim, List<String> models, Path directory, Progress progress) {
        Results results = new Results();
        List<Case> cases = claim.cases(models);
        int done = 0;
        for (Case next : cases) {
            progress.update(done++, cases.size(), next);
            Path packed = directory.resolve(name(next));
            if (!Files.isRegularFile(packed.resolve("config.json"))) {
                quantize(next, packed);
            }
            results.put(next, measure(next.model(), packed));
        }
        return results;
    }

    /** Claims share labels, not recipes: what is kept is found again by all that it was made of. */
    private String name(Case next) {
        StringBuilder all = new StringBuilder(next.recipe() + "\n" + calibration + "\n");
        try (ModelFile file = ModelFile.open(next.model())) {
            file.checkpoint().files().forEach(part -> all.append(Provenance.sha256(part)));
        }
        String readable = (next.model() + "--" + next.label()).replaceAll("[^A-Za-z0-9.=-]+", "_");
        return readable + "--" + Provenance.sha256(all.toString()).substring(0, KEY);
    }

    private void quantize(Case next, Path packed) {
        Recipe recipe =
                next.recipe().contains("\n") ? Recipes.parse(next.label(), next.recipe()) : Recipes.open(next.recipe());
        try (ModelFile file = ModelFile.open(next.model())) {
            CalibrationSet set = recipe.needsCalibration() ? CalibrationSets.draw(calibration, file, workers) : null;
            Provenance provenance = Provenance.of(
                    file.checkpoint().files(),
                    Map.of("recipe_sha256", Provenance.sha256(recipe.source()), "model_transform", file.transform()));
            new Quantizer(file, recipe, set, Compute.FLOAT32, packed, workers).run(provenance, (_, _) -> {});
        }
    }

    private Results.Outcome measure(String model, Path packed) {
        Path spill = Path.of(System.getProperty("java.io.tmpdir"));
        try (ModelFile original = ModelFile.open(model);
                ModelFile quantized = ModelFile.open(packed);
                TextTokenizer tokenizer = original.tokenizer();
                Decoder reference = original.decoder(Compute.FLOAT32);
                Decoder decoder = quantized.decoder(Compute.FLOAT32);
                ModelLogits own = new ModelLogits(decoder, spill);
                ModelLogits other = new ModelLogits(reference, spill)) {
            int bos = tokenizer.addsBos() ? tokenizer.bosId() : -1;
            List<Window> windows = new WindowRule.Gptq()
                    .cut(tokenizer.encode(TextFiles.read(text)), bos, length, chunks, text.toString());
            Scores scores = Evaluation.run(List.of(own), other, windows, workers, (_, _) -> {}, (_, _, _, _) -> {})
                    .getFirst();
            return new Results.Outcome(quantized.bitsPerLinearWeight(), scores);
        }
    }
}
