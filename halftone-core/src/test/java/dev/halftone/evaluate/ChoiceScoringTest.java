package dev.halftone.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.TinyModel;
import dev.halftone.evaluate.ChoiceItem.Option;
import dev.halftone.evaluate.ChoiceScores.Norm;
import dev.halftone.evaluate.WindowRule.Window;
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

class ChoiceScoringTest {
    private static final int V = TinyModel.VOCABULARY;

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
    void logLikelihoodAndGreedyFlagAreThoseOfAPlainForwardPass() {
        int top = greedyAfter(1, 2, 3);
        int other = (top + 1) % V;
        ChoiceItem item = ChoiceItem.ofChoices(
                "a:1", "w1 w2 w3", List.of("w4 w5 w6", "w" + top, "w" + other, "w" + top + " w7"), 0);
        ChoiceScores scores = run(List.of(item)).model();
        assertThat(scores.logLikelihood()[0])
                .usingComparatorWithPrecision(1e-5)
                .containsExactly(
                        plain(3, 1, 2, 3, 4, 5, 6),
                        plain(3, 1, 2, 3, top),
                        plain(3, 1, 2, 3, other),
                        plain(3, 1, 2, 3, top, 7));
        boolean seven = greedyAfter(1, 2, 3, top) == 7;
        assertThat(scores.greedy()[0]).containsExactly(false, true, false, seven);
    }

    @Test
    void logLikelihoodsAddUpWhereTokensSplit() {
        List<ChoiceItem> items =
                List.of(cloze("w1 w2", "w3 w4 w5 w6"), cloze("w1 w2", "w3 w4"), cloze("w1 w2 w3 w4", "w5 w6"));
        double[][] values = run(items).model().logLikelihood();
        assertThat(values[0][0]).isCloseTo(values[1][0] + values[2][0], within(1e-5));
    }

    @Test
    void perplexityOfAWindowFollowsFromItsLogLikelihood() {
        int[] tokens = tokenizer.encode(TinyModel.text(40, 3));
        String first = "w" + tokens[0];
        String rest = TinyModel.text(40, 3).substring(first.length() + 1);
        double value = run(List.of(cloze(first, rest))).model().logLikelihood()[0][0];
        try (Workers workers = new Workers(1)) {
            Scores scores =
                    Evaluation.run(decoder, null, List.of(new Window(tokens, 1)), workers, temporary, (_, _) -> {});
            assertThat(scores.perplexity().value()).isCloseTo(Math.exp(-value / 39), within(1e-9));
        }
    }

    @Test
    void batchesThreadsAndNeighboursChangeNothing() {
        List<ChoiceItem> items = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            String context = TinyModel.text(3 + i, i);
            items.add(ChoiceItem.ofChoices("a:" + i, context, List.of("w1", "w2", "w3 w4"), i % 3));
        }
        ChoiceScoring.Result one = run(decoder, another, items, 1, 1 << 16);
        ChoiceScoring.Result two = run(decoder, another, items, 2, 17);
        assertThat(two.model().logLikelihood()).isEqualTo(one.model().logLikelihood());
        assertThat(two.model().greedy()).isEqualTo(one.model().greedy());
        assertThat(reference(two).logLikelihood()).isEqualTo(reference(one).logLikelihood());
        ChoiceScoring.Result swapped = run(another, decoder, items, 1, 1 << 16);
        assertThat(reference(swapped).logLikelihood()).isEqualTo(one.model().logLikelihood());
        assertThat(swapped.model().greedy()).isEqualTo(reference(one).greedy());
    }

    @Test
    void aModelComparedWithItselfFlipsNothing() {
        List<ChoiceItem> items = List.of(
                ChoiceItem.ofChoices("a:1", "w1", List.of("w2", "w3"), 0),
                ChoiceItem.ofChoices("a:2", "w4", List.of("w5", "w6"), 1));
        ChoiceScoring.Result result = run(decoder, decoder, items, 2, 1 << 16);
        double[] right = result.model().right(Norm.NONE);
        assertThat(PairedAccuracy.of(right, reference(result).right(Norm.NONE)))
                .isEqualTo(new PairedAccuracy(0, 0, new Estimate(0, 0)));
    }

    @Test
    void progressCountsTheBlocksOfAllBatches() {
        List<ChoiceItem> items = List.of(cloze("w1 w2 w3", "w4"), cloze("w1 w2 w5", "w4"), cloze("w1 w2 w6", "w4"));
        List<String> seen = new ArrayList<>();
        try (Workers workers = new Workers(1)) {
            ChoiceScoring.run(
                    decoder,
                    null,
                    encoder(-1),
                    items,
                    workers,
                    temporary,
                    (done, total) -> seen.add(done + "/" + total),
                    8);
        }
        assertThat(seen).containsExactly("1/4", "2/4", "3/4", "4/4");
    }

    @Test
    void aLongContextLosesItsBeginningAndTheContinuationStaysWhole() {
        String context = TinyModel.text(100, 4);
        String continuation = TinyModel.text(60, 5);
        ChoiceEncoder.Encoded encoded = encoder(-1).encode(new Option(context, " ", continuation), "a:1");
        int[] whole = tokenizer.encode(context + " " + continuation);
        // 64 tokens are read, and one more is predicted.
        assertThat(encoded.window().tokens()).isEqualTo(Arrays.copyOfRange(whole, 160 - 65, 160));
        assertThat(encoded.window().scored()).isEqualTo(60);
        assertThat(encoded.truncated()).isEqualTo(95);

        ChoiceScoring.Result result = run(List.of(cloze(context, continuation), cloze("w1", "w2")));
        assertThat(result.truncated()).isEqualTo(1);
        int[] read = encoded.window().tokens();
        assertThat(result.model().logLikelihood()[0][0]).isCloseTo(plain(5, read), within(1e-4));
    }

    @Test
    void scoredIsWhatTheWholeTextHasBeyondTheContextsTokens() {
        // "w1" + "2 w3" is "w12 w3": one token more than "w1", though "2 w3" by itself has two.
        Window window = encoder(-1).encode(new Option("w1", "", "2 w3"), "a:1").window();
        assertThat(window.tokens()).containsExactly(12, 3);
        assertThat(window.scored()).isEqualTo(1);
    }

    @Test
    void whiteSpaceAtTheEndOfAContextBelongsToTheContinuation() {
        // Joined to "2", "w1" would become another word if the space were lost instead of moved.
        Window window = encoder(-1)
                .encode(new Option("w7 w1 \n\u00a0", "", "w2"), "a:1")
                .window();
        assertThat(window.tokens()).containsExactly(7, 1, 2);
        assertThat(window.scored()).isEqualTo(1);
    }

    @Test
    void anEmptyContextIsThePrefixTokenAndBosComesOnce() {
        ChoiceEncoder prefixed = new ChoiceEncoder(tokenizer, -1, 9, 64);
        for (String empty : List.of("", "  ")) {
            Window window =
                    prefixed.encode(new Option(empty, " ", "w2 w3"), "a:1").window();
            assertThat(window.tokens()).containsExactly(9, 2, 3);
            assertThat(window.scored()).isEqualTo(2);
        }
        Window own = prefixed.encode(new Option("", " ", "w9 w3"), "a:1").window();
        assertThat(own.tokens()).containsExactly(9, 3);
        assertThat(own.scored()).isEqualTo(1);

        ChoiceEncoder bos = new ChoiceEncoder(tokenizer, 9, 9, 64);
        assertThat(bos.encode(new Option("w1", " ", "w2"), "a:1").window().tokens())
                .containsExactly(9, 1, 2);
        assertThat(bos.encode(new Option("w9 w1", " ", "w2"), "a:1").window().tokens())
                .containsExactly(9, 1, 2);
        assertThat(bos.encode(new Option("", " ", "w2"), "a:1").window().tokens())
                .containsExactly(9, 2);
    }

    @Test
    void whatCannotBeScoredIsRefusedWithItsPlace() {
        assertThatThrownBy(() -> encoder(-1).encode(new Option("w1", " ", ""), "a.jsonl:3"))
                .hasMessageStartingWith("HT-616 a.jsonl:3: ");
        assertThatThrownBy(() -> encoder(-1).encode(new Option("w1", " ", TinyModel.text(65, 1)), "a.jsonl:4"))
                .hasMessageStartingWith("HT-617 a.jsonl:4: a choice has 65 tokens; the model reads 64");
        assertThatThrownBy(() -> encoder(-1).encode(new Option(" ", " ", "w1"), "a.jsonl:5"))
                .hasMessageStartingWith("HT-618 a.jsonl:5: ");
    }

    private static ChoiceEncoder encoder(int bos) {
        return ChoiceEncoder.of(tokenizer, bos, decoder.spec().contextLength());
    }

    private static ChoiceItem cloze(String context, String target) {
        return ChoiceItem.ofCloze("a:1", context, " ", target);
    }

    private static ChoiceScoring.Result run(List<ChoiceItem> items) {
        try (Workers workers = new Workers(2)) {
            return ChoiceScoring.run(decoder, null, encoder(-1), items, workers, temporary, (_, _) -> {});
        }
    }

    private static ChoiceScoring.Result run(
            Decoder model, Decoder reference, List<ChoiceItem> items, int threads, int batchTokens) {
        try (Workers workers = new Workers(threads)) {
            return ChoiceScoring.run(
                    model, reference, encoder(-1), items, workers, temporary, (_, _) -> {}, batchTokens);
        }
    }

    private static ChoiceScores reference(ChoiceScoring.Result result) {
        ChoiceScores reference = result.reference();
        if (reference == null) {
            throw new AssertionError("no reference");
        }
        return reference;
    }

    /** Sum over the tokens from {@code first} on, from the logits of one forward pass. */
    private static double plain(int first, int... tokens) {
        float[] logits = logits(tokens);
        double sum = 0;
        for (int p = first; p < tokens.length; p++) {
            double total = 0;
            for (int v = 0; v < V; v++) {
                total += Math.exp(logits[(p - 1) * V + v]);
            }
            sum += logits[(p - 1) * V + tokens[p]] - Math.log(total);
        }
        return sum;
    }

    private static int greedyAfter(int... tokens) {
        float[] logits = logits(tokens);
        int at = (tokens.length - 1) * V;
        int best = 0;
        for (int v = 1; v < V; v++) {
            best = logits[at + v] > logits[at + best] ? v : best;
        }
        return best;
    }

    private static float[] logits(int... tokens) {
        float[][] result = new float[1][];
        Torch.inScope(() -> result[0] = Tensors.floats(decoder.forward(tokens, SiteObserver.NONE)));
        return result[0];
    }
}
