package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TrainCommandTest {
    @TempDir
    private Path directory = Path.of("");

    private record Result(int code, String out, String err) {}

    @Test
    void trainsThenLeavesAFinishedRunAloneAndRefusesToOverwriteIt() throws IOException {
        Path init = TinyModel.write(directory.resolve("tiny"), 1);
        Files.writeString(directory.resolve("text.txt"), TinyModel.text(300, 3));
        Path config = Files.writeString(directory.resolve("train.yaml"), """
                init: %s
                data: {tokenizer: tiny, sources: {words: {train: text.txt, validation: text.txt}}, sequence: 16, bos: false}
                schedule: {}
                optimizer: {}
                run: {steps: 2, batch: 4, micro_batch: 2}
                """.formatted(init));
        Path out = directory.resolve("out");
        Result first = run("train", config, "--out", out, "--json");
        assertThat(first.code()).as(first.err()).isZero();
        JsonNode document = new JsonMapper().readTree(first.out());
        assertThat(document.path("schema").asInt()).isEqualTo(1);
        assertThat(document.path("trained_tokens").asInt()).isEqualTo(2 * 4 * 16);
        assertThat(document.path("validation").get(1).path("source").asString()).isEqualTo("all");
        assertThat(first.err()).contains("step 2/2", "tokens/s", "0 h 00 min left");
        byte[] model = Files.readAllBytes(out.resolve("model.safetensors"));
        Result again = run("train", config, "--out", out, "--resume");
        assertThat(again.code()).isZero();
        assertThat(again.err()).contains("is finished");
        assertThat(out.resolve("model.safetensors")).hasBinaryContent(model);
        Result over = run("train", config, "--out", out);
        assertThat(over.code()).isEqualTo(3);
        assertThat(over.err()).contains("HT-804");
    }

    private static Result run(Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] words = Stream.of(arguments).map(Object::toString).toArray(String[]::new);
        int code = Main.execute(new PrintWriter(out, true), new PrintWriter(err, true), words);
        return new Result(code, out.toString(), err.toString());
    }
}
