package dev.halftone.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.FamilyFixtures;
import dev.halftone.TinyModel;
import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.Checkpoints;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.Families;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.Quantizer;
import dev.halftone.recipe.Recipes;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Encoders as PyTorch exports them: a tiny one, whose safetensors are beside it, and all-MiniLM-L6-v2 from Maven Central. */
class OnnxEncoderTest {
    @TempDir
    private Path temporary = Path.of("");

    private static Path tiny() {
        return FamilyFixtures.directory("bert").resolve("model.onnx");
    }

    @Test
    void anExportHasTheTensorsOfTheCheckpointAndWhatItsConfigSays() {
        try (Checkpoint onnx = Checkpoints.open(tiny());
                Checkpoint original = Checkpoints.open(FamilyFixtures.directory("bert"))) {
            ObjectNode config = onnx.config();
            config.properties().stream()
                    .filter(entry -> !List.of("architectures", "torch_dtype").contains(entry.getKey()))
                    .forEach(entry -> assertThat(entry.getValue().asString())
                            .as(entry.getKey())
                            .isEqualTo(original.config().path(entry.getKey()).asString()));
            List<Decoder.Expected> tensors = Decoder.tensors(Families.read(config, onnx.names(), "onnx"));
            assertThat(tensors).hasSize(37);
            for (Decoder.Expected tensor : tensors) {
                assertThat(values(onnx.tensor(tensor.name())))
                        .as(tensor.name())
                        .isEqualTo(values(original.tensor(tensor.name())));
            }
        }
    }

    /** As those of Maven Central are: quantized, written, read back and compared with itself. */
    @Test
    void anArchiveIsAModelWithItsTokenizer() throws IOException {
        Path archive = archive("tiny.onnx", "tiny-tokenizer.json");
        Path out = temporary.resolve("out");
        try (ModelFile file = ModelFile.open(archive);
                Workers workers = new Workers(2)) {
            new Quantizer(file, Recipes.open("rtn-w8a8"), null, Compute.FLOAT32, out, workers)
                    .run(Provenance.of(List.of(), Map.of()), (_, _) -> {});
            try (ModelFile packed = ModelFile.open(out);
                    TextTokenizer tokenizer = packed.tokenizer();
                    Decoder decoder = packed.decoder(Compute.FLOAT32);
                    Decoder reference = file.decoder(Compute.FLOAT32)) {
                List<int[]> sentences = List.of(tokenizer.encode("w3 w17 w8"), tokenizer.encode("w30 w2"));
                assertThat(SentenceSimilarity.of(decoder, reference, sentences, workers)
                                .cosine())
                        .isBetween(0.99, 1 - 1e-9);
            }
        }
    }

    @Test
    void whatIsNoEncoderIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(tiny());
        Path half = Files.write(temporary.resolve("half.onnx"), Arrays.copyOf(whole, whole.length / 2));
        assertRefused(half, "HT-714", "is no ONNX model that can be read");
        Path other = Files.write(temporary.resolve("other.onnx"), new byte[0]);
        assertRefused(other, "HT-714", "no tensor embeddings.word_embeddings.weight");
        assertRefused(archive("tiny.onnx", "README"), "HT-715", "holds 0 files");
        Path alone = Files.write(temporary.resolve("alone.onnx"), whole);
        try (ModelFile file = ModelFile.open(alone)) {
            assertThatThrownBy(file::tokenizer)
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("HT-250");
        }
    }

    private static void assertRefused(Path path, String code, String finding) {
        assertThatThrownBy(() -> ModelFile.open(path))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(code)
                .hasMessageContaining(finding);
    }

    private Path archive(String model, String tokenizer) throws IOException {
        Path words = TinyModel.withWords(Files.createDirectories(temporary.resolve("words")), 32);
        Path archive = temporary.resolve(tokenizer + ".jar");
        try (OutputStream stream = Files.newOutputStream(archive);
                ZipOutputStream zip = new ZipOutputStream(stream)) {
            zip.putNextEntry(new ZipEntry(model));
            Files.copy(tiny(), zip);
            zip.putNextEntry(new ZipEntry(tokenizer));
            Files.copy(words.resolve("tokenizer.json"), zip);
        }
        return archive;
    }

    /** The archive is on the tests' class path. */
    @Test
    void miniLmsEmbeddingsEqualOnnxRuntimes() throws IOException {
        String inside = Objects.requireNonNull(
                        OnnxEncoderTest.class.getClassLoader().getResource("all-minilm-l6-v2.onnx"))
                .toString();
        Path archive = Path.of(URI.create(inside.substring("jar:".length(), inside.indexOf('!'))));
        JsonNode expected = JsonMapper.shared()
                .readTree(FamilyFixtures.directory("minilm")
                        .resolve("expected.json")
                        .toFile());
        assertThat(expected.size()).isEqualTo(5);
        try (ModelFile file = ModelFile.open(archive);
                TextTokenizer tokenizer = file.tokenizer();
                Decoder decoder = file.decoder(Compute.FLOAT32);
                Workers workers = new Workers(2)) {
            assertThat(file.spec().attention().heads()).isEqualTo(12);
            for (JsonNode row : expected) {
                int[] ids = SentenceSimilarity.encode(
                        tokenizer, row.path("sentence").asString(), 512);
                assertThat(ids).isEqualTo(JsonMapper.shared().convertValue(row.path("ids"), int[].class));
                double[] embedding = SentenceSimilarity.embeddings(decoder, List.of(ids), workers)[0];
                double[] runtimes = JsonMapper.shared().convertValue(row.path("embedding"), double[].class);
                assertThat(embedding).containsExactly(runtimes, within(1e-4));
            }
        }
    }

    private static float[] values(StoredTensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        tensor.decode(0, tensor.rows(), MemorySegment.ofArray(values));
        return values;
    }
}
