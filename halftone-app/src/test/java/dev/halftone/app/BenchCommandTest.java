package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The commands that use the packed engine. */
class BenchCommandTest {
    @TempDir
    private Path directory = Path.of("");

    private Path model = Path.of("");

    @BeforeEach
    void write() throws IOException {
        model = TinyModel.write(directory.resolve("tiny"), 1);
    }

    @Test
    void benchMeasuresEachTestAndPrintsATable() {
        JsonNode document = Command.run(
                        "bench", model, "-p", "8,16", "-n", 4, "-t", 2, "-r", 3, "--warm-up", 0, "--json")
                .json();
        assertThat(document.path("threads").asInt()).isEqualTo(2);
        assertThat(document.path("tests")).hasSize(3);
        JsonNode generation = document.path("tests").get(2);
        assertThat(generation.path("test").asString()).isEqualTo("tg4");
        assertThat(generation.path("seconds")).hasSize(3);
        double sum = 0;
        for (JsonNode seconds : generation.path("seconds")) {
            sum += 4 / seconds.asDouble();
        }
        double speed = generation.path("tokens_per_second").asDouble();
        assertThat(speed).isCloseTo(sum / 3, within(1e-9 * speed));
        assertThat(generation.path("gigabytes_per_second").asDouble()).isPositive();

        Command table = Command.run("bench", model, "-p", 8, "-n", 0, "-r", 1, "--warm-up", 0);
        assertThat(table.out()).contains(" pp8 |", "engine: packed").doesNotContain("tg");
        assertThat(Command.run("bench", model, "-r", 0).err()).contains("HT-915");
    }

    @Test
    void evalWithThePackedEngineStaysNearTheFloatPath() throws IOException {
        Path text = Files.writeString(directory.resolve("test.txt"), TinyModel.text(300, 3));
        JsonNode document = Command.run(
                        "eval",
                        model,
                        "--engine",
                        "packed",
                        "--reference",
                        model,
                        "--text",
                        text,
                        "--length",
                        32,
                        "--json")
                .json();
        assertThat(document.path("kl").asDouble()).isBetween(0.0, 1e-4);
        assertThat(document.path("dtype").asString()).startsWith("packed");
        assertThat(Command.run("eval", model, "--engine", "fast", "--text", text)
                        .err())
                .contains("HT-916");
        assertThat(Command.run("eval", model, "--engine", "packed", "--tasks", "lines(lines=5,items=5)")
                        .code())
                .isEqualTo(2);
    }
}
