package dev.halftone.runtime.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.TinyModel;
import dev.halftone.format.ModelFile;
import dev.halftone.runtime.Engines;
import dev.halftone.runtime.TokenEngine;
import dev.halftone.tensor.Compute;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GenerationTest {
    private static final int CHUNK = 5;

    private ModelFile file;
    private TextModel model;

    @BeforeAll
    void open(@TempDir Path directory) throws IOException {
        file = ModelFile.open(TinyModel.write(directory.resolve("tiny"), 1, 0.4));
        model = TextModel.open(file, Engines.AUTO, Compute.FLOAT32, 2, 0);
    }

    @AfterAll
    void close() {
        model.close();
        file.close();
    }

    /** What a listener heard. */
    private static final class Heard implements Generation.Listener {
        private final StringBuilder text = new StringBuilder();
        private final List<ScoredToken> prompt = new ArrayList<>();
        private final List<ScoredToken> tokens = new ArrayList<>();
        private final List<Generation.Finish> ends = new ArrayList<>();
        private final List<RuntimeException> failures = new ArrayList<>();

        @Override
        public void prompt(List<ScoredToken> scored) {
            prompt.addAll(scored);
        }

        @Override
        public void token(ScoredToken token, String piece) {
            tokens.add(token);
            text.append(piece);
        }

        @Override
        public void finished(String piece, Generation.Finish finish) {
            text.append(piece);
            ends.add(finish);
        }

        @Override
        public void failed(RuntimeException failure) {
            failures.add(failure);
        }
    }

    private static void run(Batch batch) {
        while (batch.size() > 0) {
            batch.step();
        }
    }

    private Heard alone(GenerationRequest request) {
        Heard heard = new Heard();
        try (Batch batch = new Batch(model, CHUNK)) {
            batch.add(new Generation(model, request, CHUNK, heard));
            run(batch);
        }
        assertThat(heard.failures).isEmpty();
        assertThat(heard.ends).hasSize(1);
        return heard;
    }

    private static Sampling seeded(long seed) {
        return new Sampling(1, 0, 0.98, 0, 1.1, 0, 0, Map.of(), seed);
    }

    private GenerationRequest request(int words, int seed) {
        return GenerationRequest.of(model.encode(TinyModel.text(words, seed)), 12, seeded(seed), List.of());
    }

    @Test
    void whatRunsBesideChangesNothing() {
        List<Heard> alone = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            alone.add(alone(request(1 + 6 * i, i)));
        }
        List<Heard> together = new ArrayList<>();
        try (Batch batch = new Batch(model, CHUNK)) {
            for (int i = 0; i < 7; i++) {
                Heard heard = new Heard();
                together.add(heard);
                batch.add(new Generation(model, request(1 + 6 * i, i), CHUNK, heard));
                batch.step(); // the others are on their way already
            }
            run(batch);
        }
        for (int i = 0; i < 7; i++) {
            assertThat(together.get(i).text.toString())
                    .isEqualTo(alone.get(i).text.toString());
            assertThat(together.get(i).tokens).isEqualTo(alone.get(i).tokens);
        }
        assertThat(alone.stream().map(heard -> heard.text.toString()).distinct().count())
                .isGreaterThan(4);
    }

    @Test
    void scoresAreThoseOfAWholePass() {
        int[] ids = model.encode(TinyModel.text(23, 4));
        Heard heard = alone(new GenerationRequest(ids, 1, Sampling.GREEDY, 0, List.of(), true, 3));
        float[] logits;
        int vocabulary = model.engine().vocabulary();
        try (TokenEngine.Sequence sequence = model.engine().open(ids.length)) {
            logits = model.engine()
                    .step(List.of(new TokenEngine.Chunk(sequence, ids, true)))
                    .getFirst();
        }
        assertThat(heard.prompt).hasSize(ids.length);
        assertThat(heard.prompt.getFirst().logprob()).isNaN();
        for (int i = 1; i < ids.length; i++) {
            ScoredToken token = heard.prompt.get(i);
            float[] row = Arrays.copyOfRange(logits, (i - 1) * vocabulary, i * vocabulary);
            double sum = 0;
            for (float value : row) {
                sum += Math.exp(value);
            }
            assertThat(token.id()).isEqualTo(ids[i]);
            assertThat(token.logprob()).isCloseTo(row[ids[i]] - Math.log(sum), within(1e-5));
            assertThat(token.top()).hasSize(3);
            assertThat(token.top().getFirst().logprob())
                    .isGreaterThanOrEqualTo(token.top().getLast().logprob())
                    .isGreaterThanOrEqualTo(token.logprob());
        }
        assertThat(heard.tokens).hasSize(1);
        assertThat(heard.tokens.getFirst().logprob())
                .isEqualTo(heard.tokens.getFirst().top().getFirst().logprob());
    }

    @Test
    void aPromptIsOnlyScoredWhereNoTokenIsWanted() {
        Heard heard = alone(new GenerationRequest(new int[] {3, 4, 5}, 0, Sampling.GREEDY, 0, List.of(), true, 0));
        assertThat(heard.prompt).hasSize(3);
        assertThat(heard.tokens).isEmpty();
        assertThat(heard.ends).containsExactly(Generation.Finish.LENGTH);
    }

    @Test
    void stopsEndATextAndAreNoPartOfIt() {
        GenerationRequest plain = GenerationRequest.of(new int[] {7, 8}, 12, Sampling.GREEDY, List.of());
        Heard whole = alone(plain);
        String text = whole.text.toString();
        assertThat(whole.ends).containsExactly(Generation.Finish.LENGTH);
        String stop = text.substring(7, 11);
        Heard stopped = alone(GenerationRequest.of(new int[] {7, 8}, 12, Sampling.GREEDY, List.of(stop)));
        assertThat(stopped.text.toString()).isEqualTo(text.substring(0, text.indexOf(stop)));
        assertThat(stopped.ends).containsExactly(Generation.Finish.STOP);
    }

    @Test
    void aCancelledOneIsHeardNoMoreAndLeavesTheOthersAlone() {
        Heard alone = alone(request(9, 3));
        Heard heard = new Heard();
        Heard other = new Heard();
        try (Batch batch = new Batch(model, CHUNK)) {
            Generation cancelled = new Generation(model, request(20, 5), CHUNK, heard);
            batch.add(cancelled);
            batch.add(new Generation(model, request(9, 3), CHUNK, other));
            for (int i = 0; i < 6; i++) {
                batch.step();
            }
            int before = heard.tokens.size();
            assertThat(before).isPositive();
            cancelled.cancel();
            run(batch);
            assertThat(heard.tokens).hasSize(before);
        }
        assertThat(heard.ends).isEmpty();
        assertThat(other.tokens).isEqualTo(alone.tokens);
    }

    @Test
    void aSequenceCanForget() {
        TokenEngine engine = model.engine();
        try (TokenEngine.Sequence sequence = engine.open(10)) {
            float[] first = engine.step(List.of(new TokenEngine.Chunk(sequence, new int[] {1, 2, 3}, false)))
                    .getFirst();
            assertThat(first).hasSize(engine.vocabulary());
            engine.step(List.of(new TokenEngine.Chunk(sequence, new int[] {4, 5}, false)));
            assertThat(sequence.length()).isEqualTo(5);
            sequence.truncate(2);
            assertThat(engine.step(List.of(new TokenEngine.Chunk(sequence, new int[] {3}, false)))
                            .getFirst())
                    .containsExactly(first, within(1e-5f));
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> GenerationRequest.of(new int[0], 1, Sampling.GREEDY, List.of())
                        .checked(model))
                .hasMessageContaining("HT-939");
        assertThatThrownBy(() -> GenerationRequest.of(new int[] {96}, 1, Sampling.GREEDY, List.of())
                        .checked(model))
                .hasMessageContaining("HT-940");
        assertThatThrownBy(() -> GenerationRequest.of(new int[64], 2, Sampling.GREEDY, List.of())
                        .checked(model))
                .hasMessageContaining("HT-941");
        assertThat(alone(GenerationRequest.of(new int[64], 1, Sampling.GREEDY, List.of())
                                .checked(model))
                        .tokens)
                .hasSize(1);
    }
}
