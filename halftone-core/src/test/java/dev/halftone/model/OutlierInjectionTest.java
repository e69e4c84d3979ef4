package dev.halftone.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.FamilyFixtures;
import dev.halftone.TinyModel;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OutlierInjectionTest {
    private static final int[] IDS = {5, 17, 3, 40, 41, 9, 22, 8};

    @TempDir
    private Path temporary = Path.of("");

    @Test
    void functionIsKeptAndOutliersAreThere() throws IOException {
        Path model = temporary.resolve("model");
        TinyModel.write(model, 3);
        check(model.toString());
    }

    /** Rows instead of columns (GPT-2's layout), biases of norms, shared key heads, gains 1 + w, one norm for two readers, experts. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "gpt2",
                "opt",
                "qwen3",
                "mistral",
                "gemma2",
                "cohere",
                "falcon40",
                "bloom",
                "phi3",
                "olmoe",
                "qwen2moe"
            })
    void functionIsKeptInOtherFamilies(String fixture) {
        check(FamilyFixtures.directory(fixture).toString());
    }

    private static void check(String model) {
        Map<String, float[]> plain = new HashMap<>();
        Map<String, float[]> injected = new HashMap<>();
        float[] expected = run(model, plain);
        float[] actual = run(model + "+outliers(g=40,channels=2,seed=3)", injected);
        assertThat(actual).hasSameSizeAs(expected);
        double scale = 0;
        double worst = 0;
        for (int i = 0; i < expected.length; i++) {
            scale = Math.max(scale, Math.abs(expected[i]));
            worst = Math.max(worst, Math.abs(actual[i] - expected[i]));
        }
        assertThat(worst).isLessThan(1e-5 * scale);
        String site = plain.keySet().stream()
                .filter(name -> name.matches(".*\\.0\\..*(q_proj|c_attn|qkv_proj|query_key_value)\\.input"))
                .findFirst()
                .orElseThrow();
        float[] inputs = Objects.requireNonNull(plain.get(site));
        float[] scaled = Objects.requireNonNull(injected.get(site));
        int width = inputs.length / IDS.length;
        int[] chosen = new OutlierInjection(40, 2, 3).chosen(width);
        for (int channel = 0; channel < width; channel++) {
            double factor = channel == chosen[0] || channel == chosen[1] ? 40 : 1;
            for (int token = 0; token < IDS.length; token++) {
                float before = inputs[token * width + channel];
                assertThat((double) scaled[token * width + channel])
                        .isCloseTo(
                                factor * before,
                                org.assertj.core.data.Offset.offset(1e-5 * factor * Math.max(1, Math.abs(before))));
            }
        }
    }

    private static float[] run(String model, Map<String, float[]> sites) {
        try (ModelFile file = ModelFile.open(model);
                Decoder decoder = file.decoder(Compute.FLOAT32)) {
            float[][] logits = new float[1][];
            Torch.inScope(() -> logits[0] =
                    Tensors.floats(decoder.forward(IDS, (site, value) -> sites.put(site, Tensors.floats(value)))));
            return logits[0];
        }
    }

    @Test
    void channelsDependOnTheSeedAlone() {
        OutlierInjection injection = new OutlierInjection(40, 6, 1);
        assertThat(injection.chosen(256)).hasSize(6).doesNotHaveDuplicates().isSorted();
        assertThat(injection.chosen(256)).isEqualTo(new OutlierInjection(7, 6, 1).chosen(256));
        assertThat(injection.chosen(256)).isNotEqualTo(new OutlierInjection(40, 6, 2).chosen(256));
        assertThat(new OutlierInjection(40, 16, 1).chosen(16))
                .containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }

    @Test
    void namesAreRead() {
        assertThat(OutlierInjection.parse("", "m")).hasToString("outliers(g=40,channels=6,seed=1)");
        assertThat(OutlierInjection.parse("channels=3, g=2.5", "m")).isEqualTo(new OutlierInjection(2.5, 3, 1));
        for (String bad :
                new String[] {"g", "g=x", "g=0", "h=1", "g=1,g=2", "channels=0", "channels=1.5", ",", "g=NaN"}) {
            assertThatThrownBy(() -> OutlierInjection.parse(bad, "zoo:x"))
                    .as(bad)
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("HT-310 zoo:x");
        }
    }

    @Test
    void whatDoesNotFitIsRefused() throws IOException {
        Path model = temporary.resolve("model");
        TinyModel.write(model, 3);
        assertThatThrownBy(() -> ModelFile.open(model + "+outliers(channels=100000)"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-310")
                .hasMessageContaining("100000 channels");
        assertThatThrownBy(() -> ModelFile.open(model + "+inliers(g=2)"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("unknown transform \"inliers\"");
        // A plus sign alone is part of a file's name.
        assertThatThrownBy(() -> ModelFile.open(model + "+more"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-231");
        assertThatThrownBy(() -> ModelFile.open("zoo:no-such-model"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-289 zoo:no-such-model");
    }
}
