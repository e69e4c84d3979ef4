package dev.halftone.recipe;

import dev.halftone.TinyModel;
import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.CalibrationSource;
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
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Runs on the tiny model, calibrated with 16 sequences of 32 tokens of one text. */
record TinyRuns(Path directory, Path model, Path text) {
    static TinyRuns in(Path directory) throws IOException {
        Path model = TinyModel.write(directory.resolve("tiny"), 1);
        return new TinyRuns(directory, model, Files.writeString(directory.resolve("text.txt"), TinyModel.text(600, 2)));
    }

    /** The directory of what a recipe makes of a model. */
    Path quantize(String source, String recipe, String name) {
        Path out = directory.resolve(name);
        run(source, recipe, CalibrationSource.Mode.FIRST, text, out, 2);
        return out;
    }

    Path quantize(String recipe, String name, int threads) {
        Path out = directory.resolve(name);
        run(recipe, out, threads);
        return out;
    }

    QuantizationResult run(String recipe, Path out, int threads) {
        return run(model.toString(), recipe, CalibrationSource.Mode.FIRST, text, out, threads);
    }

    QuantizationResult run(
            String source, String recipe, CalibrationSource.Mode mode, Path documents, Path out, int threads) {
        CalibrationSource calibration = new CalibrationSource.Text(mode, List.of(documents));
        try (ModelFile file = ModelFile.open(source);
                Workers workers = new Workers(threads)) {
            CalibrationSet set = CalibrationSets.draw(new CalibrationOptions(calibration, 16, 32, 1), file, workers);
            return new Quantizer(file, Recipes.open(recipe), set, Compute.FLOAT32, out, workers)
                    .run(Provenance.of(file.checkpoint().files(), Map.of("recipe", recipe)), (_, _) -> {});
        }
    }

    /** @param reference null: the model itself */
    Scores scores(Path path, @Nullable Path reference) {
        try (ModelFile file = ModelFile.open(path);
                ModelFile other = ModelFile.open(reference == null ? path : reference);
                TextTokenizer tokenizer = file.tokenizer();
                Decoder decoder = file.decoder(Compute.FLOAT32);
                Decoder referenceDecoder = other.decoder(Compute.FLOAT32);
                Workers workers = new Workers(2)) {
            List<Window> windows =
                    new WindowRule.Gptq().cut(tokenizer.encode(TinyModel.text(400, 3)), -1, 32, -1, "text");
            return Evaluation.run(decoder, referenceDecoder, windows, workers, directory, (_, _) -> {});
        }
    }

    /** Of each file of a directory its sum. */
    static Map<String, String> contents(Path directory) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                contents.put(file.getFileName().toString(), Provenance.sha256(file));
            }
        }
        return contents;
    }
}
