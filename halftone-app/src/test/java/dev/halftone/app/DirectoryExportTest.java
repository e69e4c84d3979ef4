package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class DirectoryExportTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void anExportIsEvaluatedLikeThePackedModelItWasMadeOf() throws IOException {
        Path model = TinyModel.write(directory.resolve("tiny"), 1);
        Path text = Files.writeString(directory.resolve("text.txt"), TinyModel.text(300, 3));
        Path packed = directory.resolve("packed");
        Path out = directory.resolve("out");
        assertThat(Command.run("quantize", model, "--recipe", "rtn-nvfp4", "--out", packed)
                        .code())
                .isZero();
        Command export = Command.run("export", packed, "--format", "compressed-tensors", "--out", out, "--json");
        assertThat(export.code()).as(export.err()).isZero();
        assertThat(export.json().path("packed_equals_measured").asInt()).isEqualTo(14);
        JsonNode before = eval(packed, model, text);
        JsonNode after = eval(out, model, text);
        assertThat(after.path("kl")).isEqualTo(before.path("kl"));
        assertThat(after.path("perplexity")).isEqualTo(before.path("perplexity"));
        Command again = Command.run("export", packed, "--format", "awq", "--out", out);
        assertThat(again.code()).isEqualTo(3);
        assertThat(again.err()).contains("HT-692", "which are no integers");
        Command quantized = Command.run("quantize", out, "--recipe", "rtn-w4", "--out", directory.resolve("twice"));
        assertThat(quantized.err()).contains("HT-432", "compressed-tensors");
    }

    private static JsonNode eval(Path model, Path reference, Path text) {
        Command command =
                Command.run("eval", model, "--reference", reference, "--text", text, "--length", 32, "--json");
        assertThat(command.code()).as(command.err()).isZero();
        return command.json();
    }
}
