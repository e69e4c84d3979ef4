package dev.halftone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.FamilyFixtures;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.LinearInputs;
import dev.halftone.model.SiteObserver;
import dev.halftone.runtime.TokenEngine.Chunk;
import dev.halftone.runtime.TokenEngine.Sequence;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The engine around plain float32 products, against the float decoder with keys and values in float16 too. */
class PackedEngineTest {
    private static final int TOKENS = 45;

    @ParameterizedTest
    @MethodSource("dev.halftone.FamilyFixtures#names")
    void logitsEqualTheFloatDecoders(String fixture) {
        try (ModelFile file = ModelFile.open(FamilyFixtures.directory(fixture));
                PackedEngine engine = engine(file, 1)) {
            int[] ids = ids(file, 1);
            float[] expected = expected(file, ids);
            float[] actual = whole(engine, ids);
            assertThat(largestDifference(actual, expected)).isLessThan(1e-3 * largest(expected));
        }
    }

    static Stream<String> steppable() {
        return FamilyFixtures.names()
                .filter(name -> !name.equals("llama_dynamic") && !name.startsWith("phi3_longrope"));
    }

    @ParameterizedTest
    @MethodSource("steppable")
    void piecesOfASequenceGiveTheSameBitsAsTheWhole(String fixture) {
        try (ModelFile file = ModelFile.open(FamilyFixtures.directory(fixture));
                PackedEngine engine = engine(file, 2)) {
            int[] ids = ids(file, 2);
            float[] whole = whole(engine, ids);
            int vocabulary = engine.vocabulary();
            try (Sequence sequence = engine.open(ids.length)) {
                int done = 0;
                for (int end : new int[] {4, 37, 38, 39, 40, ids.length}) {
                    int[] piece = Arrays.copyOfRange(ids, done, end);
                    float[] logits = engine.step(List.of(new Chunk(sequence, piece, true)))
                            .getFirst();
                    assertThat(logits).isEqualTo(Arrays.copyOfRange(whole, done * vocabulary, end * vocabulary));
                    done = end;
                }
                assertThat(sequence.length()).isEqualTo(ids.length);
                sequence.truncate(10);
                float[] again = engine.step(
                                List.of(new Chunk(sequence, Arrays.copyOfRange(ids, 10, ids.length), false)))
                        .getFirst();
                assertThat(again).isEqualTo(Arrays.copyOfRange(whole, whole.length - vocabulary, whole.length));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("steppable")
    void sequencesOfAStepEqualEachAlone(String fixture) {
        try (ModelFile file = ModelFile.open(FamilyFixtures.directory(fixture));
                PackedEngine engine = engine(file, 2);
                Sequence first = engine.open(TOKENS);
                Sequence second = engine.open(TOKENS);
                Sequence third = engine.open(TOKENS)) {
            int[] a = ids(file, 3);
            int[] b = Arrays.copyOf(ids(file, 4), 7);
            int[] c = Arrays.copyOf(ids(file, 5), 20);
            List<float[]> together = engine.step(
                    List.of(new Chunk(first, a, true), new Chunk(second, b, false), new Chunk(third, c, true)));
            float[] alone = whole(engine, b);
            assertThat(together.get(0)).isEqualTo(whole(engine, a));
            assertThat(together.get(1))
                    .isEqualTo(Arrays.copyOfRange(alone, alone.length - engine.vocabulary(), alone.length));
            assertThat(together.get(2)).isEqualTo(whole(engine, c));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.halftone.FamilyFixtures#layouts")
    void theNumberOfThreadsChangesNoBit(String fixture) {
        try (ModelFile file = ModelFile.open(FamilyFixtures.directory(fixture));
                PackedEngine one = engine(file, 1);
                PackedEngine two = engine(file, 2);
                PackedEngine three = engine(file, 3)) {
            int[] ids = ids(file, 6);
            float[] expected = whole(one, ids);
            assertThat(whole(two, ids)).isEqualTo(expected);
            assertThat(whole(three, ids)).isEqualTo(expected);
        }
    }

    @Test
    void aChunkOfMoreTokensThanOnePassTakesEqualsItsPieces() {
        try (ModelFile file = ModelFile.open("zoo:llama-nano");
                PackedEngine engine = engine(file, 2)) {
            int length = engine.contextLength();
            int[] ids = new Random(7).ints(2L * length, 0, engine.vocabulary()).toArray();
            try (Sequence one = engine.open(ids.length);
                    Sequence other = engine.open(ids.length)) {
                float[] last = engine.step(List.of(new Chunk(one, ids, false))).getFirst();
                for (int from = 0; from < ids.length - 100; from += 100) {
                    engine.step(List.of(new Chunk(other, Arrays.copyOfRange(ids, from, from + 100), false)));
                }
                float[] pieces = engine.step(
                                List.of(new Chunk(other, Arrays.copyOfRange(ids, other.length(), ids.length), false)))
                        .getFirst();
                assertThat(pieces).isEqualTo(last);
            }
        }
    }

    @Test
    void whatCannotBeReadIsRefused() {
        try (ModelFile file = ModelFile.open(FamilyFixtures.directory("opt"));
                PackedEngine engine = engine(file, 1);
                Sequence sequence = engine.open(3)) {
            assertThatThrownBy(() -> engine.open(1 << 20))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("HT-912");
            assertThatThrownBy(() -> engine.step(List.of(new Chunk(sequence, new int[] {1 << 20}, false))))
                    .hasMessageContaining("HT-913");
            assertThatThrownBy(() -> engine.step(List.of(new Chunk(sequence, new int[4], false))))
                    .hasMessageContaining("HT-914");
            assertThat(sequence.length()).isZero();
        }
    }

    static PackedEngine engine(ModelFile file, int threads) {
        return new PackedEngine(file, PlainMatrix.FACTORY, threads);
    }

    static int[] ids(ModelFile file, long seed) {
        int most = Math.min(TOKENS, file.spec().contextLength());
        return new Random(seed)
                .ints(most, 0, file.spec().embedding().vocabulary())
                .toArray();
    }

    static float[] whole(TokenEngine engine, int[] ids) {
        try (Sequence sequence = engine.open(ids.length)) {
            return engine.step(List.of(new Chunk(sequence, ids, true))).getFirst();
        }
    }

    static float[] expected(ModelFile file, int[] ids) {
        float[][] logits = new float[1][];
        String place = file.path().toString();
        try (Decoder decoder = new Decoder(
                file.spec(), file.weights(), Compute.FLOAT32, LinearInputs.PLAIN, PackedEngineTest::half, place)) {
            Torch.inScope(() -> logits[0] = Tensors.floats(decoder.forward(ids, SiteObserver.NONE)));
        }
        return logits[0];
    }

    /** Keys when they are turned, and values. */
    private static Tensor half(String site, Tensor x) {
        return site.endsWith(".attention.k") ? x : x.to(ScalarType.Half).to(ScalarType.Float);
    }

    static double largestDifference(float[] one, float[] other) {
        assertThat(one).hasSameSizeAs(other);
        double most = 0;
        for (int i = 0; i < one.length; i++) {
            most = Math.max(most, Math.abs(one[i] - other[i]));
            if (Float.isNaN(one[i])) {
                return Double.NaN;
            }
        }
        return most;
    }

    static double largest(float[] x) {
        double most = 0;
        for (float value : x) {
            most = Math.max(most, Math.abs(value));
        }
        return most;
    }
}
