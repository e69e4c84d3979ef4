package dev.halftone.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class BpeTrainerTest {
    private static final Path CORPUS = Path.of("..", "corpus");

    @TempDir
    Path directory = Path.of("");

    private static BpeTrainer.Vocabulary trained() {
        BpeTrainer trainer = new BpeTrainer();
        trainer.add(TextFiles.read(CORPUS.resolve("moby-dick.train.txt")));
        trainer.add(TextFiles.read(CORPUS.resolve("sotu.train.txt")));
        return trainer.train(800);
    }

    /** tools/fixtures/bpe_fixture.py train moby-dick-800.json --size 800 moby-dick.train.txt sotu.train.txt. */
    private static JsonNode fixture() throws IOException {
        try (InputStream in = BpeTrainerTest.class.getResourceAsStream("/bpe/moby-dick-800.json")) {
            return JsonMapper.shared().readTree(Objects.requireNonNull(in));
        }
    }

    private static List<String> strings(JsonNode array) {
        List<String> result = new ArrayList<>();
        array.forEach(node -> result.add(node.stringValue()));
        return result;
    }

    @Test
    void tokensAndMergesEqualThoseOfHuggingFace() throws IOException {
        BpeTrainer.Vocabulary vocabulary = trained();
        JsonNode expected = fixture();
        List<List<String>> merges = new ArrayList<>();
        expected.path("merges").forEach(pair -> merges.add(strings(pair)));
        assertThat(vocabulary.merges()).isEqualTo(merges);
        assertThat(vocabulary.tokens()).isEqualTo(strings(expected.path("tokens")));
    }

    @Test
    void theWrittenTokenizerGivesTheSameIdsAndGivesBackEveryCharacter() throws IOException {
        TrainedTokenizer.write(trained(), directory);
        try (TextTokenizer tokenizer = TextTokenizer.fromDirectory(directory)) {
            for (JsonNode sample : fixture().path("samples")) {
                int[] ids = tokenizer.encode(sample.path("text").stringValue());
                List<Integer> expected = new ArrayList<>();
                sample.path("ids").forEach(id -> expected.add(id.intValue()));
                assertThat(ids).containsExactly(expected.toArray(Integer[]::new));
            }
            StringBuilder all = new StringBuilder();
            for (int c = 0; c < 0x110000; c += c < 0x800 ? 1 : 97) {
                if (c < 0xD800 || c > 0xDFFF) {
                    all.appendCodePoint(c);
                }
            }
            assertThat(tokenizer.decode(tokenizer.encode(all.toString()))).isEqualTo(all.toString());
            assertThat(tokenizer.bosId()).isZero();
            assertThat(tokenizer.eosId()).isZero();
            assertThat(tokenizer.addsBos()).isFalse();
            assertThat(tokenizer.specialIds()).containsExactlyInAnyOrder(0, 1);
        }
    }

    @Test
    void tiesGoToTheSmallerPairOfIds() {
        BpeTrainer trainer = new BpeTrainer();
        trainer.add("cd\nab\ncd\nab");
        assertThat(trainer.train(260).merges()).containsExactly(List.of("a", "b"), List.of("c", "d"));
    }

    @Test
    void trainingEndsWhenNoPairIsLeft() {
        BpeTrainer trainer = new BpeTrainer();
        trainer.add("abc");
        assertThat(trainer.train(300).tokens()).hasSize(260).endsWith("ab", "abc");
    }

    @Test
    void aTokenizerIsNotOverwritten() {
        BpeTrainer trainer = new BpeTrainer();
        TrainedTokenizer.write(trainer.train(259), directory);
        assertThatThrownBy(() -> TrainedTokenizer.write(trainer.train(259), directory))
                .hasMessageContaining("HT-261");
        assertThatThrownBy(() -> trainer.train(258)).hasMessageContaining("HT-260");
    }
}
