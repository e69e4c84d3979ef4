package dev.halftone.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.FamilyFixtures;
import dev.halftone.TinyModel;
import dev.halftone.format.InputRounding;
import dev.halftone.format.ModelFile;
import dev.halftone.model.CacheRounding;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.Junction;
import dev.halftone.model.LinearSite;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ChannelFoldTest {
    private static final int[] IDS = {5, 17, 3, 40, 41, 9, 22, 8};

    @TempDir
    private Path temporary = Path.of("");

    @Test
    void scalingEveryJunctionKeepsTheFunction() throws IOException {
        assertThat(check(TinyModel.write(temporary.resolve("model"), 3)))
                .containsExactly("NormOutput", "LinearOutput", "NormOutput", "LinearOutput");
    }

    /** Norms with biases, a fused projection stored the other way round, ReLU, GELU, shared key heads, a norm behind the sum. */
    @ParameterizedTest
    @MethodSource("dev.halftone.FamilyFixtures#names")
    void scalingEveryJunctionKeepsTheFunctionInEveryFamily(String fixture) {
        List<String> producers = check(FamilyFixtures.directory(fixture));
        switch (fixture) {
            case "opt350" -> assertThat(producers).containsExactly("Opaque", "LinearOutput", "Opaque", "LinearOutput");
            case "gpt2",
                    "bloom",
                    "bloom6h",
                    "bloom_prefix",
                    "falcon40",
                    "falcon_rw",
                    "neox",
                    "neox_seq",
                    "starcoder2" ->
                assertThat(producers).containsExactly("NormOutput", "LinearOutput", "NormOutput", "Opaque");
            // One norm for both.
            case "phi", "falcon7", "falcon11" ->
                assertThat(producers).containsExactly("NormOutput", "LinearOutput", "Opaque");
            case "cohere", "cohere_qk", "stablelm12" ->
                assertThat(producers).containsExactly("NormOutput", "LinearOutput", "LinearOutput");
            case "olmoe_clip" -> assertThat(producers).startsWith("NormOutput", "Opaque", "NormOutput", "LinearOutput");
            default -> assertThat(producers).startsWith("NormOutput", "LinearOutput", "NormOutput", "LinearOutput");
        }
    }

    private static List<String> check(Path model) {
        List<String> producers = new ArrayList<>();
        try (ModelFile file = ModelFile.open(model)) {
            DecoderSpec spec = file.spec();
            EditedWeights weights = new EditedWeights(file.weights());
            InputRounding rounding = new InputRounding(Map.of());
            Random random = new Random(5);
            for (int i = 0; i < spec.layers(); i++) {
                for (Junction junction : spec.junctions(i)) {
                    double[] s = scales(junction, random);
                    if (!ChannelFold.apply(junction, s, weights)) {
                        float[] channels = new float[s.length];
                        for (int c = 0; c < s.length; c++) {
                            channels[c] = (float) s[c];
                        }
                        junction.readers().forEach(reader -> rounding.divide(reader.weight(), channels));
                    }
                    if (i == 0) {
                        producers.add(junction.producer().getClass().getSimpleName());
                    }
                }
            }
            try (Decoder plain = file.decoder(Compute.FLOAT32);
                    Decoder scaled =
                            new Decoder(spec, weights, Compute.FLOAT32, rounding, CacheRounding.PLAIN, "scaled")) {
                float[] expected = logits(plain);
                float[] actual = logits(scaled);
                double largest = 0;
                double worst = 0;
                for (int i = 0; i < expected.length; i++) {
                    largest = Math.max(largest, Math.abs(expected[i]));
                    worst = Math.max(worst, Math.abs(actual[i] - expected[i]));
                }
                assertThat(worst).isLessThan(1e-5 * largest).isPositive();
            }
        }
        return producers;
    }

    /** From 1/20 to 20; one for all channels that share a row. */
    private static double[] scales(Junction junction, Random random) {
        double[] s = new double[junction.width()];
        double[] ofRow = new double[100_000];
        for (int c = 0; c < s.length; c++) {
            s[c] = Math.exp((random.nextDouble() - 0.5) * 2 * Math.log(20));
            if (junction.producer() instanceof Junction.LinearOutput(LinearSite _, int[] rows)) {
                ofRow[rows[c]] = ofRow[rows[c]] == 0 ? s[c] : ofRow[rows[c]];
                s[c] = ofRow[rows[c]];
            }
        }
        return s;
    }

    private static float[] logits(Decoder decoder) {
        float[][] logits = new float[1][];
        int vocabulary = decoder.spec().embedding().vocabulary();
        int[] ids = Arrays.stream(IDS).map(id -> id % vocabulary).toArray();
        Torch.inScope(() -> logits[0] = Tensors.floats(decoder.forward(ids, SiteObserver.NONE)));
        return logits[0];
    }

    @Test
    void scalesThatCannotBeFoldedAreRefused() throws IOException {
        try (ModelFile file = ModelFile.open(TinyModel.write(temporary.resolve("model"), 3))) {
            EditedWeights weights = new EditedWeights(file.weights());
            Junction junction = file.spec().junctions(0).get(0);
            double[] s = new double[junction.width()];
            assertThatThrownBy(() -> ChannelFold.apply(junction, s, weights)).hasMessageContaining("scale 0.0");
            assertThatThrownBy(() -> ChannelFold.apply(junction, new double[3], weights))
                    .hasMessageContaining("3 scales");
            assertThat(weights.edited()).isEmpty();
        }
    }
}
