package dev.halftone.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.TinyModel;
import dev.halftone.error.InputException;
import dev.halftone.evaluate.GenerationScores.Answer;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GreedyDecodingTest {
    private static final int MOST = 6;

    @TempDir
    private static Path temporary = Path.of("");

    private static final List<AutoCloseable> OPENED = new ArrayList<>();
    private static Decoder decoder;
    private static Decoder another;
    private static TextTokenizer tokenizer;

    @BeforeAll
    static void open() throws IOException {
        ModelFile file = ModelFile.open(TinyModel.write(temporary.resolve("one"), 1));
        ModelFile other = ModelFile.open(TinyModel.write(temporary.resolve("two"), 2));
        decoder = file.decoder(Compute.FLOAT32);
        another = other.decoder(Compute.FLOAT32);
        tokenizer = file.tokenizer();
        OPENED.addAll(List.of(tokenizer, decoder, another, file, other));
    }

    @AfterAll
    static void close() throws Exception {
        for (AutoCloseable resource : OPENED) {
            resource.close();
        }
    }

    @Test
    void everyTokenIsTheMostProbableOfAPlainForwardPassWithAnyNumberOfThreads() {
        List<GenerationItem> items =
                List.of(item("w1 w2 w3", List.of()), item("w9", List.of()), item("w4 w4", List.of()));
        GenerationScores one = run(decoder, items, 1);
        GenerationScores two = run(decoder, items, 3);
        for (int i = 0; i < items.size(); i++) {
            Answer answer = one.answers().get(i).getFirst();
            int[] ids = tokenizer.encode(items.get(i).turns().getFirst());
            for (int expected : answer.ids()) {
                assertThat(top(ids)).isEqualTo(expected);
                ids = Arrays.copyOf(ids, ids.length + 1);
                ids[ids.length - 1] = expected;
            }
            assertThat(answer.ids().length == MOST || answer.ids()[answer.ids().length - 1] == tokenizer.eosId())
                    .isTrue();
            assertThat(two.answers().get(i).getFirst().ids()).isEqualTo(answer.ids());
        }
        assertThat(one.agreement(two).same().value()).isEqualTo(1);
        assertThat(one.agreement(two).chrf().value()).isEqualTo(1);
        assertThat(one.agreement(run(another, items, 2)).same().value()).isLessThan(1);
    }

    @Test
    void anAnswerEndsAtAStopWhichIsNoPartOfIt() {
        Answer whole = run(decoder, List.of(item("w1 w2 w3", List.of())), 1)
                .answers()
                .getFirst()
                .getFirst();
        String second = tokenizer.decode(new int[] {whole.ids()[1]}).strip();
        Answer stopped = run(decoder, List.of(item("w1 w2 w3", List.of("never", second))), 1)
                .answers()
                .getFirst()
                .getFirst();
        assertThat(stopped.text())
                .isEqualTo(whole.text().substring(0, whole.text().indexOf(second)));
        assertThat(whole.ids()).startsWith(stopped.ids());
    }

    @Test
    void theSecondTurnOfADialogueSeesTheFirstAnswer() {
        GenerationItem item =
                new GenerationItem("d:1", List.of("w1 w2", " w3"), List.of(), AnswerRule.OPEN, List.of(), MOST);
        List<Answer> answers = run(decoder, List.of(item), 1).answers().getFirst();
        assertThat(answers).hasSize(2);
        String transcript = "w1 w2" + answers.getFirst().text() + " w3";
        Answer alone = run(decoder, List.of(item(transcript, List.of())), 1)
                .answers()
                .getFirst()
                .getFirst();
        assertThat(answers.getLast().ids()).isEqualTo(alone.ids());
        assertThat(run(decoder, List.of(item), 1).right()).containsExactly(Double.NaN);
    }

    @Test
    void whatIsTooLongLosesItsBeginningAndNoRoomIsAnError() {
        String longPrompt = TinyModel.text(200, 5);
        ChoiceEncoder narrow = ChoiceEncoder.of(tokenizer, -1, 16);
        try (Workers workers = new Workers(1)) {
            GenerationScores scores =
                    GreedyDecoding.run(decoder, narrow, List.of(item(longPrompt, List.of())), workers, (_, _) -> {});
            int tokens = tokenizer.encode(longPrompt).length;
            assertThat(scores.answers().getFirst().getFirst().truncated()).isEqualTo(tokens - 16 + MOST);
            assertThat(scores.truncated()).isEqualTo(1);
            ChoiceEncoder tooNarrow = ChoiceEncoder.of(tokenizer, -1, MOST);
            assertThatThrownBy(() -> GreedyDecoding.run(
                            decoder, tooNarrow, List.of(item("w1", List.of())), workers, (_, _) -> {}))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("HT-314");
            assertThatThrownBy(() ->
                            GreedyDecoding.run(decoder, narrow, List.of(item("", List.of())), workers, (_, _) -> {}))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("HT-315");
        }
    }

    private static GenerationItem item(String prompt, List<String> stops) {
        return GenerationItem.of("a:1", prompt, List.of("x"), AnswerRule.EXACT, stops, MOST);
    }

    private static GenerationScores run(Decoder model, List<GenerationItem> items, int threads) {
        try (Workers workers = new Workers(threads)) {
            return GreedyDecoding.run(model, ChoiceEncoder.of(tokenizer, -1, 128), items, workers, (_, _) -> {});
        }
    }

    private static int top(int[] ids) {
        int[] best = {0};
        Torch.inScope(() -> {
            float[] logits = Tensors.floats(decoder.forward(ids, SiteObserver.NONE));
            int from = (ids.length - 1) * TinyModel.VOCABULARY;
            for (int v = 1; v < TinyModel.VOCABULARY; v++) {
                best[0] = logits[from + v] > logits[from + best[0]] ? v : best[0];
            }
        });
        return best[0];
    }
}
