package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class TrainCommandTest {
    @TempDir
    private Path directory = Path.of("");

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
        Command first = Command.run("train", config, "--out", out, "--json");
        assertThat(first.code()).as(first.err()).isZero();
        JsonNode document = first.json();
        assertThat(document.path("schema").asInt()).isEqualTo(1);
        assertThat(document.path("trained_tokens").asInt()).isEqualTo(2 * 4 * 16);
        assertThat(document.path("validation").get(1).path("source").asString()).isEqualTo("all");
        assertThat(first.err()).contains("step 2/2", "tokens/s", "0 h 00 min left");
        byte[] model = Files.readAllBytes(out.resolve("model.safetensors"));
        Command again = Command.run("train", config, "--out", out, "--resume");
        assertThat(again.code()).isZero();
        assertThat(again.err()).contains("is finished");
        assertThat(out.resolve("model.safetensors")).hasBinaryContent(model);
        Command over = Command.run("train", config, "--out", out);
        assertThat(over.code()).isEqualTo(3);
        assertThat(over.err()).contains("HT-804");
    }

    /** kill -9 at whatever step the run has come to, twice; then to the end. */
    @Test
    void aKilledRunIsResumedToTheSameBytes() throws Exception {
        TinyModel.write(directory.resolve("tiny"), 1);
        Files.writeString(directory.resolve("text.txt"), TinyModel.text(300, 3));
        Path config = Files.writeString(directory.resolve("train.yaml"), """
                model: {family: llama, hidden: 16, layers: 2, heads: 2, vocabulary: 96}
                data: {tokenizer: tiny, sources: {words: {train: text.txt, validation: text.txt}}, sequence: 16, bos: false}
                schedule: {}
                optimizer: {}
                run: {steps: 150, batch: 4, micro_batch: 2, save_every: 7, validate_every: 50}
                """);
        Command whole = Command.run("train", config, "--out", directory.resolve("whole"));
        assertThat(whole.code()).as(whole.err()).isZero();
        Path out = directory.resolve("killed");
        Path log = directory.resolve(".killed.training/log.jsonl");
        for (int least : new int[] {20, 80}) {
            Process process = start("train", config, "--out", out, "--resume");
            while (process.isAlive() && steps(log) < least) {
                Thread.sleep(1);
            }
            process.destroyForcibly().waitFor();
            assertThat(out).doesNotExist();
        }
        Command last = Command.run("train", config, "--out", out, "--resume");
        assertThat(last.code()).as(last.err()).isZero();
        assertThat(out.resolve("model.safetensors"))
                .hasSameBinaryContentAs(directory.resolve("whole/model.safetensors"));
        assertThat(out.resolve("README.md")).hasSameBinaryContentAs(directory.resolve("whole/README.md"));
        assertThat(log).hasSameTextualContentAs(directory.resolve(".whole.training/log.jsonl"));
    }

    private static long steps(Path log) throws IOException {
        if (!Files.exists(log)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(log)) {
            return lines.count();
        }
    }

    private Process start(Object... words) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        Stream.of(words).map(Object::toString).forEach(command::add);
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("output.txt").toFile())
                .start();
    }
}
