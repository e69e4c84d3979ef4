package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The commands that need no model. */
class TextCommandsTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Path CORPUS = Path.of("..", "corpus");
    private static final Path TRAIN = CORPUS.resolve("moby-dick.train.txt");

    @TempDir
    private Path directory = Path.of("");

    private record Result(int code, String out, String err) {
        JsonNode json() {
            return JSON.readTree(out);
        }
    }

    private static Result run(Object... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.execute(
                new PrintWriter(out),
                new PrintWriter(err),
                Stream.of(args).map(Object::toString).toArray(String[]::new));
        return new Result(code, out.toString(), err.toString());
    }

    @Test
    void aTokenizerIsTrainedAndTheDocumentSaysOfWhat() {
        Path out = directory.resolve("tokenizer");
        Result trained = run("tokenizer", "train", "--text", TRAIN, "--vocabulary", 400, "--out", out, "--json");
        assertThat(trained.code()).as(trained.err()).isZero();
        JsonNode document = trained.json();
        assertThat(document.path("schema").asInt()).isEqualTo(1);
        assertThat(document.path("vocabulary").asInt()).isEqualTo(400);
        assertThat(document.path("merges").asInt()).isEqualTo(400 - 258);
        assertThat(document.path("words").asInt()).isGreaterThan(1000);
        assertThat(document.path("provenance").path("settings").has("text 1 moby-dick.train.txt"))
                .isTrue();
        assertThat(out.resolve("tokenizer.json")).exists();
        assertThat(out.resolve("tokenizer_config.json")).exists();

        Result again = run("tokenizer", "train", "--text", TRAIN, "--vocabulary", 400, "--out", out);
        assertThat(again.code()).isEqualTo(3);
        assertThat(again.err()).contains("HT-261").hasLineCount(1);
        assertThat(run("tokenizer").code()).isEqualTo(2);
    }
}
