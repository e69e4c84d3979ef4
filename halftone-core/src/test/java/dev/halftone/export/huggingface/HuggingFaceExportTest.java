package dev.halftone.export.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.TinyModel;
import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.export.huggingface.HuggingFaceExport.Written;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.LinearSite;
import dev.halftone.model.SiteObserver;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.Quantizer;
import dev.halftone.recipe.Recipe;
import dev.halftone.recipe.Recipes;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class HuggingFaceExportTest {
    @TempDir
    private static Path directory = Path.of("");

    private static Path model = Path.of("");

    @BeforeAll
    static void write() throws IOException {
        Torch.load();
        model = TinyModel.write(directory.resolve("tiny"), 1);
        Files.writeString(directory.resolve("text.txt"), TinyModel.text(600, 2));
    }

    private static Path quantized(String name, String steps) throws IOException {
        Path packed = directory.resolve(name);
        Recipe recipe = Recipes.parse(name, "steps:\n" + steps);
        CalibrationOptions options = new CalibrationOptions(
                new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(directory.resolve("text.txt"))),
                8,
                32,
                1);
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(2)) {
            new Quantizer(
                            file,
                            recipe,
                            recipe.needsCalibration() ? CalibrationSets.draw(options, file, workers) : null,
                            Compute.FLOAT32,
                            packed,
                            workers)
                    .run(Provenance.of(List.of(), Map.of()), (_, _) -> {});
        }
        return packed;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1| compressed-tensors| rtn, format: int4, group: 16, symmetric: true",
                "2| compressed-tensors| gptq, format: int3, group: 16, static_groups: false",
                "3| compressed-tensors| rtn, format: int5, scale: fp32, mode: sym",
                "4| compressed-tensors| rtn, format: int8, symmetric: true, scale: bf16",
                "5| compressed-tensors| rtn, format: fp8",
                "6| compressed-tensors| rtn, format: fp8, group: 16x16",
                "7| compressed-tensors| rtn, format: fp8, group: tensor, scale: bf16",
                "8| compressed-tensors| gptq, format: nvfp4",
                "16| compressed-tensors| rtn, format: nvfp4, rule: power-unit, targets: ['*self_attn*']",
                "9| compressed-tensors| rtn, format: mxfp4, rule: mse, targets: ['*self_attn*']",
                "10| compressed-tensors| rtn, format: mxfp8, targets: ['*up_proj.weight']",
                "11| gptq:v1| rtn, format: int4, symmetric: true, targets: ['*q_proj.weight', '*o_proj.weight']",
                "12| gptq:v2| gptq, format: int3, group: 16, targets: ['*q_proj.weight', '*o_proj.weight']",
                "13| gptq:v2| gptq, format: int8, group: 16, static_groups: false, targets: ['*o_proj.weight']",
                "14| awq| rtn, format: int4, group: 16, targets: ['*proj.weight']",
                "15| safetensors| rtn, format: nf4, group: 16",
            })
    void whatIsWrittenIsOpenedAgainWithTheSameWeights(int number, String format, String keys) throws IOException {
        Path packed = quantized("packed-" + number, "  - weights: {method: " + keys + "}\n");
        Path out = directory.resolve("out-" + number);
        Written written;
        try (ModelFile source = ModelFile.open(packed)) {
            written = HuggingFaceExport.write(source, format, out);
        }
        assertThat(written.format()).isEqualTo(format);
        assertThat(written.equal()).isPositive();
        nothingIsLeft();
        try (ModelFile source = ModelFile.open(packed);
                ModelFile read = ModelFile.open(out);
                Arena arena = Arena.ofConfined()) {
            for (LinearSite site : Decoder.linears(source.spec())) {
                assertThat(floats(read, site, arena)).as(site.weight()).isEqualTo(floats(source, site, arena));
                assertThat(read.weights().packed(site.weight()))
                        .isEqualTo(source.weights().packed(site.weight()) && !format.equals("safetensors"));
            }
        }
        assertThat(Files.exists(out.resolve("tokenizer.json"))).isTrue();
    }

    private static void nothingIsLeft() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.map(Path::toString)).noneMatch(name -> name.endsWith(".export"));
        }
    }

    private static float[] floats(ModelFile file, LinearSite site, Arena arena) {
        float[][] result = new float[1][];
        Torch.inScope(() -> result[0] = Tensors.floats(site.load(file.weights(), ComputeType.FLOAT32, arena)));
        return result[0];
    }

    /** Logits of what is read back are those that were measured: weights, schemes and scales of inputs. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1| int8, symmetric: true| int8, granularity: token| token",
                "2| int4, group: 16, symmetric: true| fp8_e4m3, granularity: token| token",
                "3| int8, symmetric: true| int8, granularity: static| tensor",
                "4| int8, symmetric: true| int8, symmetric: false, granularity: static| tensor",
                "5| fp8, group: tensor| fp8_e4m3, granularity: static| tensor",
                "6| fp8| fp8_e4m3, granularity: tensor| tensor",
                "7| mxfp4, rule: ct| mxfp4, rule: ct| group",
                "8| nvfp4| nvfp4, granularity: static| tensor_group",
                "9| nvfp4, rule: power-unit| nvfp4, rule: power-unit, granularity: static| tensor_group",
            })
    void quantizedInputsAreReadBackAsTheyWere(int number, String weights, String inputs, String strategy)
            throws IOException {
        String targets = ", targets: ['*self_attn*']}\n";
        Path packed = quantized(
                "inputs-" + number,
                "  - weights: {method: rtn, format: " + weights + targets + "  - inputs: {format: " + inputs + targets);
        Path out = directory.resolve("inputs-out-" + number);
        try (ModelFile source = ModelFile.open(packed)) {
            HuggingFaceExport.write(source, "compressed-tensors", out);
        }
        assertThat(new JsonMapper()
                        .readTree(out.resolve("config.json").toFile())
                        .at("/quantization_config/config_groups/group_0/input_activations/strategy")
                        .asString())
                .isEqualTo(strategy);
        try (ModelFile source = ModelFile.open(packed);
                ModelFile plain = ModelFile.open(model);
                ModelFile read = ModelFile.open(out)) {
            float[] expected = logits(source);
            float[] found = logits(read);
            float[] original = logits(plain);
            for (int i = 0; i < expected.length; i++) {
                assertThat(found[i]).isCloseTo(expected[i], within(2e-5f * Math.max(1, Math.abs(expected[i]))));
            }
            assertThat(expected).isNotEqualTo(original);
        }
    }

    private static float[] logits(ModelFile file) {
        try (Decoder decoder = file.decoder(Compute.FLOAT32)) {
            float[][] result = new float[1][];
            Torch.inScope(() -> result[0] =
                    Tensors.floats(decoder.forward(new int[] {5, 9, 2, 7, 11, 3, 1, 8}, SiteObserver.NONE)));
            return result[0];
        }
    }

    @Test
    void whatNoReaderWouldDoIsRefusedAndNothingIsWritten() throws IOException {
        Path inputs = quantized(
                "inputs", "  - weights: {method: rtn, format: int8}\n  - inputs: {format: int8, granularity: token}\n");
        Path out = directory.resolve("refused");
        try (ModelFile source = ModelFile.open(inputs)) {
            assertThatThrownBy(() -> HuggingFaceExport.write(source, "gptq", out))
                    .hasMessageContaining("HT-691")
                    .hasMessageContaining("quantizes the inputs of its linears (int8 per token)");
            assertThatThrownBy(() -> HuggingFaceExport.write(source, "onnx", out))
                    .hasMessageContaining("HT-690");
        }
        try (ModelFile source = ModelFile.open(model)) {
            assertThatThrownBy(() -> HuggingFaceExport.write(source, "awq", out))
                    .hasMessageContaining("HT-691")
                    .hasMessageContaining("has no packed linears");
        }
        Path groups = quantized(
                "groups",
                "  - weights: {method: rtn, format: int8}\n  - inputs: {format: int8, granularity: group, group: 16}\n");
        try (ModelFile source = ModelFile.open(groups)) {
            assertThatThrownBy(() -> HuggingFaceExport.write(source, "compressed-tensors", out))
                    .hasMessageContaining("HT-692")
                    .hasMessageContaining(
                            "has inputs of int8 g16 per token, for which compressed-tensors has no scheme");
        }
        Path narrow = quantized("narrow", "  - weights: {method: rtn, format: int4, group: 16}\n");
        try (ModelFile source = ModelFile.open(narrow)) {
            assertThatThrownBy(() -> HuggingFaceExport.write(source, "gptq", out))
                    .hasMessageContaining("HT-692")
                    .hasMessageContaining("GPTQ needs multiples of 32");
            assertThatThrownBy(() -> HuggingFaceExport.write(source, "awq", model))
                    .hasMessageContaining("HT-693");
        }
        assertThat(out).doesNotExist();
        nothingIsLeft();
    }

    @Test
    void aFileThatIsDamagedIsRefusedWithItsTensor() throws IOException {
        Path packed = quantized("whole", "  - weights: {method: rtn, format: int4, group: 16}\n");
        Path out = directory.resolve("damaged");
        try (ModelFile source = ModelFile.open(packed)) {
            HuggingFaceExport.write(source, "compressed-tensors", out);
        }
        JsonMapper json = new JsonMapper();
        ObjectNode config =
                (ObjectNode) json.readTree(out.resolve("config.json").toFile());
        ((ObjectNode) config.at("/quantization_config/config_groups/group_0/weights")).put("num_bits", 5);
        json.writeValue(out.resolve("config.json").toFile(), config);
        assertThatThrownBy(() -> ModelFile.open(out))
                .hasMessageContaining("HT-306")
                .hasMessageContaining("weight_packed");
    }
}
