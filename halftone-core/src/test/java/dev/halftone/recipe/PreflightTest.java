package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.TinyModel;
import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.error.ResourceException;
import dev.halftone.format.ModelFile;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreflightTest {
    @TempDir
    private Path temporary = Path.of("");

    @Test
    void moreCalibrationNeedsMore() throws IOException {
        Preflight none = of("rtn-w4g16", 0);
        Preflight few = of("gptq-w4g16", 2);
        Preflight more = of("gptq-w4g16", 12);
        Preflight both = of("awq-w4g16", 12);
        assertThat(few.memory()).isGreaterThan(none.memory());
        assertThat(more.memory()).isGreaterThan(few.memory());
        assertThat(both.memory()).isGreaterThan(more.memory());
        assertThat(few.disk()).isGreaterThan(none.disk());
        // Ten sequences of 32 tokens: two copies of the residual stream.
        assertThat(more.disk() - few.disk()).isEqualTo(2L * 10 * 32 * 32 * Float.BYTES);
        // On disk instead: the residual stream and the inputs of two stages.
        Preflight spilled = of("gptq-w4g16", 12, Spill.When.ALWAYS);
        assertThat(spilled.disk() - more.disk())
                .isEqualTo(more.memory() - spilled.memory())
                .isEqualTo(12L * 32 * (32 + 2 * 48) * Float.BYTES);
        assertThat(Spill.LARGEST_IN_MEMORY).isGreaterThan(1L << 30);
    }

    @Test
    void whatDoesNotFitIsRefusedWithNumbers() {
        Preflight needs = new Preflight(8_000_000_000L, 30_000_000_000L);
        needs.check(8_000_000_000L, 30_000_000_000L, temporary);
        assertThatThrownBy(() -> needs.check(7_900_000_000L, Long.MAX_VALUE, temporary))
                .isInstanceOf(ResourceException.class)
                .hasMessageStartingWith(
                        "HT-505 memory: the run would need about 8.0 GB; this machine has 7.9 GB; use fewer");
        assertThatThrownBy(() -> needs.check(Long.MAX_VALUE, 1_000_000_000L, temporary))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("HT-506 " + temporary)
                .hasMessageContaining("about 30.0 GB of disk; 1.0 GB are free");
    }

    private Preflight of(String recipe, int samples) throws IOException {
        return of(recipe, samples, Spill.When.LARGE);
    }

    private Preflight of(String recipe, int samples, Spill.When spill) throws IOException {
        Path model = temporary.resolve("model");
        Path text = temporary.resolve("text.txt");
        if (!Files.exists(model)) {
            TinyModel.write(model, 3);
            Files.writeString(text, TinyModel.text(600, 2));
        }
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(1)) {
            @Nullable
            CalibrationSet set = samples == 0
                    ? null
                    : CalibrationSets.draw(
                            new CalibrationOptions(
                                    new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(text)),
                                    samples,
                                    32,
                                    1),
                            file,
                            workers);
            return Preflight.of(
                    file, QuantizationPlan.of(Recipes.open(recipe), file.spec()), set, Compute.FLOAT32, spill, 2);
        }
    }
}
