package dev.halftone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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
import dev.halftone.recipe.Quantizer;
import dev.halftone.recipe.Recipes;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A real trained model, where it is present. */
class RealModelTest {
    private static final Path SHARED = Path.of(System.getProperty("halftone.shared", "../../shared"), "real-models");
    private static final Path MODEL = SHARED.resolve("SmolLM2-135M-Instruct.Q4_1.gguf");

    @TempDir
    private Path temporary = Path.of("");

    @BeforeEach
    void present() {
        assumeTrue(Files.isReadable(MODEL), () -> "no real model at " + MODEL);
    }

    /** llama-perplexity on the float32 copy of the model, windows of 512, after four of them. */
    @ParameterizedTest
    @CsvSource({"moby-test.txt, 31.2809", "sotu-test.txt, 33.3885"})
    void perplexityIsLlamaCpps(String text, double expected) {
        Scores scores = scores(MODEL, null, text, 4);
        assertThat(scores.perplexity().value()).isCloseTo(expected, within(0.003 * expected));
    }

    @Test
    void gptqBeatsRoundToNearestAtThreeBits() {
        double rtn = divergence("rtn-w3g64");
        double gptq = divergence("gptq-w3g64");
        assertThat(gptq).isLessThan(0.7 * rtn);
    }

    private double divergence(String recipe) {
        Path out = temporary.resolve(recipe);
        try (ModelFile file = ModelFile.open(MODEL);
                Workers workers = new Workers(2)) {
            Path text = SHARED.resolve("text/sotu-calibration.txt");
            CalibrationSource source = new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(text));
            CalibrationSet set = CalibrationSets.draw(new CalibrationOptions(source, 8, 512, 1), file, workers);
            new Quantizer(file, Recipes.open(recipe), set, Compute.FLOAT32, out, workers)
                    .run(Provenance.of(List.of(), Map.of()), (_, _) -> {});
        }
        return scores(out, MODEL, "moby-test.txt", 2).divergence().value();
    }

    private Scores scores(Path model, @Nullable Path reference, String text, int chunks) {
        try (ModelFile file = ModelFile.open(model);
                ModelFile other = reference == null ? null : ModelFile.open(reference);
                TextTokenizer tokenizer = file.tokenizer();
                Decoder decoder = file.decoder(Compute.FLOAT32);
                Decoder referenceDecoder = other == null ? null : other.decoder(Compute.FLOAT32);
                Workers workers = new Workers(2)) {
            int[] tokens =
                    tokenizer.encode(TextFiles.read(SHARED.resolve("text").resolve(text)));
            List<Window> windows = new WindowRule.LlamaCpp().cut(tokens, -1, 512, chunks, text);
            return Evaluation.run(decoder, referenceDecoder, windows, workers, temporary, (_, _) -> {});
        }
    }
}
