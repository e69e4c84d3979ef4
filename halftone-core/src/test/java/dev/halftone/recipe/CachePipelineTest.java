package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.error.InputException;
import dev.halftone.export.gguf.GgufExport;
import dev.halftone.format.CacheFormat;
import dev.halftone.format.ModelFile;
import dev.halftone.format.gguf.Mixture;
import dev.halftone.model.Decoder;
import dev.halftone.model.PlainCache;
import dev.halftone.model.SiteObserver;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Quantized keys and values, from the recipe to the file that is read back. */
class CachePipelineTest {
    @TempDir
    private static Path temporary = Path.of("");

    private static TinyRuns runs = new TinyRuns(temporary, temporary, temporary);

    @BeforeAll
    static void write() throws IOException {
        runs = TinyRuns.in(temporary);
    }

    @Test
    void fewerBitsCostMoreAndTheFileSaysWhatItHas() throws IOException {
        double before = 0;
        for (int bits : new int[] {8, 4, 3, 2}) {
            Path out = quantize("kv" + bits, "kv" + bits);
            double kl = divergence(out);
            assertThat(kl).isGreaterThan(before);
            before = kl;
            try (ModelFile written = ModelFile.open(out)) {
                assertThat(written.cache().formats())
                        .hasSize(4)
                        .allSatisfy((site, format) ->
                                assertThat(format).isEqualTo(new CacheFormat(bits, 128, false, true)));
                assertThat(written.quantization()).contains("4 keys and values int" + bits);
            }
            assertThat(Files.readString(out.resolve("config.json"))).contains("\"format_version\" : 5");
            assertThat(Files.readString(out.resolve("halftone.json")))
                    .contains("int" + bits + " g128 per token and head");
        }
    }

    @Test
    void stepsReachTheSitesThatTheyNameAndPlacesDiffer() throws IOException {
        Path keys = quantize("keys", yaml("keys", "bits: 2, targets: [\"*.attention.k\"]"));
        Path early = quantize("early", yaml("early", "bits: 2, keys: before-rope, targets: [\"*.attention.k\"]"));
        Path values = quantize("values", yaml("values", "bits: 2, targets: [\"*.attention.v\"]"));
        Path all = quantize("all", "kv2");
        assertThat(List.of(divergence(keys), divergence(early), divergence(values), divergence(all)))
                .doesNotHaveDuplicates()
                .allSatisfy(kl -> assertThat(kl).isPositive());
        try (ModelFile written = ModelFile.open(values)) {
            assertThat(written.cache().formats())
                    .containsOnlyKeys("model.layers.0.attention.v", "model.layers.1.attention.v");
            double perSite = new CacheFormat(2, 128, false, true)
                    .bitsPerElement(written.spec().attention().headDim());
            assertThat(written.cache().bitsPerElement(written.spec())).isEqualTo((16 + perSite) / 2);
        }
    }

    /** What is kept of a token does not depend on the tokens behind it: one by one, or all at once. */
    @Test
    void decodingSeesWhatAPassOverTheWholeTextSees() throws IOException {
        Path out = quantize("decode", "kv3");
        int[] ids = {3, 9, 27, 81, 5, 15, 45, 7};
        try (ModelFile file = ModelFile.open(out);
                Decoder decoder = file.decoder(Compute.FLOAT32)) {
            Torch.inScope(() -> {
                float[] whole = Tensors.floats(decoder.forward(ids, SiteObserver.NONE));
                try (PlainCache cache = new PlainCache(decoder.spec(), decoder.compute(), ids.length)) {
                    for (int i = 0; i < ids.length; i++) {
                        float[] next = Tensors.floats(
                                decoder.forwardCached(Arrays.copyOfRange(ids, i, i + 1), cache, SiteObserver.NONE));
                        for (int v = 0; v < next.length; v++) {
                            assertThat(next[v]).isCloseTo(whole[i * next.length + v], within(2e-4f));
                        }
                    }
                }
            });
        }
    }

    /** The outputs of attention, from which GPTQ makes H, come from quantized keys and values. */
    @Test
    void calibrationSeesTheQuantizedCacheUnlessItIsToldNotTo() throws IOException {
        String weights = "  - weights: {method: gptq, format: int3, group: 16}\n";
        Path plain = quantize("plain", file("plain", "steps:\n" + weights));
        Path cached = quantize("cached", file("cached", "steps:\n" + weights + "  - cache: {bits: 2}\n"));
        Path floats =
                quantize("floats", file("floats", "propagate: float\nsteps:\n" + weights + "  - cache: {bits: 2}\n"));
        Path plainFloats = quantize("plainFloats", file("plainFloats", "propagate: float\nsteps:\n" + weights));
        assertThat(weights(cached)).isNotEqualTo(weights(plain));
        assertThat(weights(floats)).isEqualTo(weights(plainFloats));
    }

    @Test
    void builtInNamesSayIt() {
        Recipe recipe = Recipes.open("rtn-w4a8kv3g16");
        assertThat(recipe.caches())
                .hasSize(1)
                .first()
                .satisfies(step -> assertThat(step.format()).isEqualTo(new CacheFormat(3, 128, false, true)));
        assertThat(recipe.inputs()).hasSize(1);
        assertThat(Recipes.open("kv4").steps()).isEmpty();
        CacheFormat format = new CacheFormat(5, 32, true, false);
        assertThat(Recipes.parse("again", "steps:\n  - cache: {" + Recipes.keys(format) + "}\n")
                        .caches()
                        .getFirst()
                        .format())
                .isEqualTo(format);
    }

    @Test
    void whatCannotBeIsRefusedWithItsPlace() throws IOException {
        assertThatThrownBy(() -> quantize("g5", yaml("g5", "bits: 4, group: 5")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-431");
        assertThatThrownBy(() -> quantize("t", yaml("t", "bits: 4, targets: [\"*.q_proj.weight\"]")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-430");
        assertThatThrownBy(() -> yamlOf("bits: 9"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-311")
                .hasMessageContaining("2");
        assertThatThrownBy(() -> yamlOf("method: kivi, bits: 4"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-421");
        Path out = quantize("export", "kv8");
        assertThatThrownBy(() -> {
                    try (ModelFile file = ModelFile.open(out);
                            Workers workers = new Workers(1)) {
                        GgufExport.write(
                                file,
                                Mixture.named("q8_0", "test"),
                                null,
                                temporary.resolve("x.gguf"),
                                workers,
                                (_, _) -> {});
                    }
                })
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-682");
        Path config = out.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("layers.1.attention.v", "layers.7.attention.v"));
        assertThatThrownBy(() -> ModelFile.open(out))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-312")
                .hasMessageContaining("model.layers.7.attention.v");
    }

    private static Recipe yamlOf(String keys) {
        return Recipes.parse("test", "steps:\n  - cache: {" + keys + "}\n");
    }

    private static String yaml(String name, String keys) throws IOException {
        return file(name, "steps:\n  - cache: {" + keys + "}\n");
    }

    private static String file(String name, String yaml) throws IOException {
        return Files.writeString(temporary.resolve(name + ".yaml"), yaml).toString();
    }

    private static Path quantize(String name, String recipe) {
        return runs.quantize(recipe, name, 2);
    }

    private static String weights(Path packed) {
        return Provenance.sha256(packed.resolve("model.safetensors"));
    }

    private static double divergence(Path packed) {
        return runs.scores(packed, runs.model()).divergence().value();
    }
}
