package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The commands that need no model. */
class TextCommandsTest {
    private static final Path CORPUS = Path.of("..", "corpus");
    private static final Path TRAIN = CORPUS.resolve("moby-dick.train.txt");

    @TempDir
    private Path directory = Path.of("");

    @Test
    void aTokenizerIsTrainedAndTheDocumentSaysOfWhat() {
        Path out = directory.resolve("tokenizer");
        Command trained =
                Command.run("tokenizer", "train", "--text", TRAIN, "--vocabulary", 400, "--out", out, "--json");
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

        Command again = Command.run("tokenizer", "train", "--text", TRAIN, "--vocabulary", 400, "--out", out);
        assertThat(again.code()).isEqualTo(3);
        assertThat(again.err()).contains("HT-261").hasLineCount(1);
        assertThat(Command.run("tokenizer").code()).isEqualTo(2);
    }

    @Test
    void anNgramModelMeasuresTextsTheSameWithAnyNumberOfThreads() {
        Path sotu = CORPUS.resolve("sotu.train.txt");
        Object[] common = {"ngram", "--train", TRAIN, sotu, "--test", CORPUS.resolve("moby-dick.test.txt")};
        Path second = CORPUS.resolve("sotu.test.txt");
        JsonNode bytes =
                Command.run(with(common, second, "--threads", 1, "--json")).json();
        assertThat(bytes.path("schema").asInt()).isEqualTo(1);
        assertThat(bytes.path("tokenizer").asString()).isEqualTo("bytes");
        assertThat(bytes.path("order").asInt()).isEqualTo(5);
        assertThat(bytes.path("train_tokens").asLong()).isEqualTo(61347 + 444734);
        assertThat(bytes.path("orders")).hasSize(5);
        assertThat(bytes.path("texts")).hasSize(2);
        JsonNode all = bytes.path("all");
        assertThat(all.path("bits_per_byte").asDouble())
                .isEqualTo(all.path("bits_per_token").asDouble())
                .isBetween(1.5, 3.0);
        assertThat(all.path("bytes").asLong()).isEqualTo(22178 + 82024);
        assertThat(all.path("bits_per_byte_stderr").asDouble()).isBetween(1e-4, 0.05);

        JsonNode threads =
                Command.run(with(common, second, "--threads", 3, "--json")).json();
        for (String key : new String[] {"orders", "texts", "all", "provenance"}) {
            assertThat(threads.path(key)).as(key).isEqualTo(bytes.path(key));
        }

        Path tokenizer = directory.resolve("tokenizer");
        Command.run("tokenizer", "train", "--text", TRAIN, "--vocabulary", 400, "--out", tokenizer);
        JsonNode tokens = Command.run(with(common, second, "--tokenizer", tokenizer, "--order", 3, "--json"))
                .json();
        assertThat(tokens.path("vocabulary").asInt()).isEqualTo(400);
        JsonNode text = tokens.path("texts").get(0);
        assertThat(text.path("bytes").asLong()).isEqualTo(22178);
        assertThat(text.path("tokens").asLong()).isBetween(22178L / 4, 22178L * 2 / 3);
        assertThat(text.path("bits_per_byte").asDouble()).isBetween(1.5, 3.0);

        Command table = Command.run(common);
        assertThat(table.out())
                .contains("discounts")
                .contains("moby-dick.test.txt")
                .doesNotContain(" all");
    }

    @Test
    void wrongNgramCommandsEndWithTheirExitCodes() {
        Command order = Command.run("ngram", "--train", TRAIN, "--test", TRAIN, "--order", 17);
        assertThat(order.code()).isEqualTo(3);
        assertThat(order.err()).contains("HT-630 order: is 17").hasLineCount(1);
        assertThat(Command.run("ngram", "--train", TRAIN, "--test", directory.resolve("none.txt"))
                        .err())
                .contains("HT-265")
                .hasLineCount(1);
        assertThat(Command.run("ngram", "--train", TRAIN, "--test", TRAIN, "--tokenizer", directory)
                        .err())
                .contains("HT-250")
                .hasLineCount(1);
        assertThat(Command.run("ngram", "--train", TRAIN).code()).isEqualTo(2);
    }

    private static Object[] with(Object[] args, Object... more) {
        return Stream.concat(Stream.of(args), Stream.of(more)).toArray();
    }
}
