package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.error.InputException;
import dev.halftone.export.gguf.GgufExport;
import dev.halftone.export.gguf.SmallModel;
import dev.halftone.format.ModelFile;
import dev.halftone.format.gguf.Mixture;
import dev.halftone.model.Decoder;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Blocks of GGUF types through the pipeline, into files, and back. */
class BlockPipelineTest {
    @TempDir
    private static Path temporary = Path.of("");

    private static Path model = Path.of("");
    private static Path text = Path.of("");

    @BeforeAll
    static void write() throws IOException {
        model = SmallModel.write(temporary.resolve("small"), 1);
        text = Files.writeString(temporary.resolve("text.txt"), SmallModel.text(2000, 2));
    }

    private static QuantizationResult quantize(String recipe, Path out, int threads, int stopAfter) {
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(threads)) {
            CalibrationSource source = new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(text));
            CalibrationSet set = CalibrationSets.draw(new CalibrationOptions(source, 16, 32, 1), file, workers);
            Quantizer quantizer = new Quantizer(file, Recipes.open(recipe), set, Compute.FLOAT32, out, workers);
            return quantizer.run(Provenance.of(List.of(), Map.of()), true, (done, _) -> {
                if (done == stopAfter) {
                    throw new IllegalStateException("stopped");
                }
            });
        }
    }

    private static Path export(Path source, Mixture mixture, String name) {
        Path file = temporary.resolve(name);
        try (ModelFile opened = ModelFile.open(source);
                Workers workers = Workers.withoutTorch(2)) {
            GgufExport.write(opened, mixture, null, file, workers, (_, _) -> {});
        }
        return file;
    }

    private static List<float[]> linears(Path path) {
        List<float[]> all = new ArrayList<>();
        try (ModelFile file = ModelFile.open(path);
                Arena arena = Arena.ofShared()) {
            Decoder.linears(file.spec())
                    .forEach(site -> Torch.inScope(
                            () -> all.add(Tensors.floats(site.load(file.weights(), ComputeType.FLOAT32, arena)))));
        }
        return all;
    }

    @Test
    void theFileHoldsWhatTheSolverChoseBitForBit() {
        Path out = temporary.resolve("blocks");
        QuantizationResult result = quantize("gguf-q4_k_m", out, 2, -1);
        assertThat(result.evidence().sites()).hasSize(14).allSatisfy(site -> {
            assertThat(site.proxyLoss()).isLessThan(site.rtnLoss());
            assertThat(site.format()).isIn("Q4_K", "Q6_K", "Q5_0", "Q8_0");
            assertThat(site.tokens()).isEqualTo(16 * 32);
        });
        assertThat(result.fellBack()).isFalse();
        Path file = export(out, Mixture.MOSTLY_Q4_K_M, "blocks.gguf");
        List<float[]> packed = linears(out);
        List<float[]> written = linears(file);
        assertThat(written).hasSize(packed.size());
        for (int i = 0; i < packed.size(); i++) {
            assertThat(written.get(i)).isEqualTo(packed.get(i));
        }
        try (ModelFile opened = ModelFile.open(out)) {
            assertThat(opened.quantization()).contains("Q4_K", "Q6_K", "Q5_0");
        }
    }

    @Test
    void threadsAndStopsChangeNoByte() {
        Path one = temporary.resolve("one");
        Path stopped = temporary.resolve("stopped");
        quantize("gguf-iq4_nl", one, 1, -1);
        assertThatThrownBy(() -> quantize("gguf-iq4_nl", stopped, 2, 1)).hasMessage("stopped");
        quantize("gguf-iq4_nl", stopped, 2, -1);
        assertThat(stopped.resolve("model.safetensors")).hasSameBinaryContentAs(one.resolve("model.safetensors"));
    }

    @Test
    void anotherTypeThanTheOneThatWasFilledIsRefused() {
        Path out = temporary.resolve("other");
        quantize("gguf-q4_0", out, 2, -1);
        assertThatThrownBy(() -> export(out, Mixture.MOSTLY_IQ4_NL, "other.gguf"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-685");
        assertThat(temporary.resolve("other.gguf")).doesNotExist();
    }

    @Test
    void stepsSayWhatTheyDo() throws IOException {
        Path recipe = temporary.resolve("wrong.yaml");
        Files.writeString(recipe, "steps:\n  - weights: {format: \"gguf:q4_0\", target: nothing}\n");
        assertThatThrownBy(() -> Recipes.open(recipe.toString()))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-421")
                .hasMessageContaining("original, weight");
        Files.writeString(recipe, "steps:\n  - weights: {format: \"gguf:q4_0\", ridge: 2}\n");
        assertThatThrownBy(() -> Recipes.open(recipe.toString())).hasMessageContaining("ridge is 2.0; expected 0 to 1");
        Files.writeString(recipe, """
                steps:
                  - transform: {method: smoothquant}
                  - weights: {format: "gguf:q4_0"}
                """);
        assertThatThrownBy(() -> quantize(recipe.toString(), temporary.resolve("wrong"), 2, -1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("target: weight");
    }
}
