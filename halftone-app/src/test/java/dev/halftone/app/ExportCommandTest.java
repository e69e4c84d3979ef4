package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import dev.halftone.export.gguf.SmallModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class ExportCommandTest {
    @TempDir
    private Path directory = Path.of("");

    private Path model = Path.of("");

    @BeforeEach
    void write() throws IOException {
        model = SmallModel.write(directory.resolve("small"), 1);
    }

    @Test
    void aQuantizedModelGoesIntoAFileThatEvaluatesAsItDoes() throws IOException {
        Path text = Files.writeString(directory.resolve("text.txt"), SmallModel.text(1500, 2));
        Path packed = directory.resolve("packed");
        Command quantized = Command.run(
                "quantize",
                model,
                "--recipe",
                "gguf-q3_k_m",
                "--calibration",
                text,
                "--samples",
                8,
                "--length",
                32,
                "--out",
                packed);
        assertThat(quantized.code()).as(quantized.err()).isZero();
        Path file = directory.resolve("model.gguf");
        JsonNode written = Command.run("export", packed, "--format", "gguf:q3_k_m", "--out", file, "--json")
                .json();
        assertThat(written.path("bytes").asLong()).isEqualTo(Files.size(file));
        assertThat(written.path("tensors").path("Q4_0 copied").asInt()).isPositive();
        // Two blocks of seven linears, and the embedding.
        assertThat(written.path("packed_equals_measured").asInt()).isEqualTo(15);
        JsonNode scores = Command.run(
                        "eval", file, "--reference", packed, "--text", text, "--length", 32, "--chunks", 4, "--json")
                .json();
        assertThat(scores.path("kl").asDouble()).isZero();
        assertThat(scores.path("perplexity").asDouble())
                .isEqualTo(scores.path("reference_perplexity").asDouble());
    }

    @Test
    void anExistingFileIsReplacedOnRequestOnly() throws IOException {
        Path file = Files.writeString(directory.resolve("there.gguf"), "mine");
        Command refused = Command.run("export", model, "--format", "gguf:Q8_0", "--out", file);
        assertThat(refused.code()).isEqualTo(3);
        assertThat(refused.err()).contains("HT-686");
        assertThat(file).hasContent("mine");
        assertThat(Command.run("export", model, "--format", "gguf:Q8_0", "--out", file, "--force")
                        .code())
                .isZero();
        assertThat(Files.size(file)).isGreaterThan(10_000);
    }

    @Test
    void whatCannotBeExportedIsOneClearError() throws IOException {
        Path out = directory.resolve("none.gguf");
        assertThat(Command.run("export", model, "--format", "gguf:Q9", "--out", out)
                        .err())
                .contains("HT-681")
                .contains("Q4_K_M");
        assertThat(Command.run("export", model, "--format", "onnx", "--out", out)
                        .err())
                .contains("HT-690");
        Path words = TinyModel.write(directory.resolve("words"), 1);
        assertThat(Command.run("export", words, "--format", "gguf:F16", "--out", out)
                        .err())
                .contains("HT-684");
        Path importance = Files.writeString(directory.resolve("imatrix.dat"), "nothing of the kind");
        assertThat(Command.run("export", model, "--format", "gguf:Q4_0", "--out", out, "--importance", importance)
                        .err())
                .contains("HT-683");
        assertThat(out).doesNotExist();
    }
}
