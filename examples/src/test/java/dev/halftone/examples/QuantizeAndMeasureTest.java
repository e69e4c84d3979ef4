package dev.halftone.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.recipe.Recipes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizeAndMeasureTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void theExampleRuns() throws IOException {
        Path model = TinyModel.write(directory.resolve("tiny"), 1);
        Path calibration = Files.writeString(directory.resolve("calibration.txt"), TinyModel.text(600, 2));
        Path text = Files.writeString(directory.resolve("text.txt"), TinyModel.text(300, 3));
        Path out = directory.resolve("out");
        CalibrationSource source = new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(calibration));
        CalibrationOptions options = new CalibrationOptions(source, 16, 32, 1);
        assertThat(QuantizeAndMeasure.quantize(model, Recipes.open("gptq-w4g16"), options, out)
                        .evidence()
                        .sites())
                .hasSize(14);
        assertThat(QuantizeAndMeasure.measure(out, model, text, 32).divergence().value())
                .isBetween(1e-6, 1.0);
    }
}
