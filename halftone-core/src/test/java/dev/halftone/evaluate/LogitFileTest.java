package dev.halftone.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.error.InputException;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogitFileTest {
    private static final int LENGTH = 10;

    @TempDir
    private Path directory = Path.of("");

    /** Logits that depend on a seed, window and position only: as wide apart as a trained model's. */
    private record Drawn(int vocabulary, long seed) implements LogitSource {
        @Override
        public int steps() {
            return 0;
        }

        @Override
        public void prepare(List<Window> windows, Workers workers, Runnable step) {}

        @Override
        public Rows rows(int window, int from, int count) {
            return (row, target) -> {
                RandomGenerator random =
                        RandomGeneratorFactory.of("L64X128MixRandom").create(seed + 1000L * window + from + row);
                for (int i = 0; i < target.length; i++) {
                    target[i] = (float) (20 + 4 * random.nextGaussian());
                }
            };
        }

        @Override
        public void close() {}
    }

    private static List<Window> windows(int count, int firstScored, int vocabulary) {
        return IntStream.range(0, count)
                .mapToObj(i -> new Window(
                        IntStream.range(0, LENGTH)
                                .map(at -> (7 * i + 3 * at) % vocabulary)
                                .toArray(),
                        firstScored))
                .toList();
    }

    private static List<Scores> run(LogitSource model, LogitSource reference, List<Window> windows, int threads) {
        try (Workers workers = new Workers(threads)) {
            return Evaluation.run(
                    List.of(model, reference), reference, windows, workers, (_, _) -> {}, (_, _, _, _) -> {});
        }
    }

    private Estimate save(Path file, LogitSource source, List<Window> windows, int threads) {
        try (Workers workers = new Workers(threads);
                LogitFileWriter writer = new LogitFileWriter(file, windows, source.vocabulary())) {
            Evaluation.run(List.of(source), null, windows, workers, (_, _) -> {}, writer);
            Estimate error = writer.finish();
            assertThat(file).hasSize(writer.bytes());
            return error;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 65})
    void aFileStandsInForTheModelThatMadeIt(int vocabulary) {
        for (int firstScored : new int[] {1, LENGTH / 2 + 1}) {
            List<Window> windows = windows(5, firstScored, vocabulary);
            Drawn reference = new Drawn(vocabulary, 1);
            Drawn model = new Drawn(vocabulary, 2);
            Path path = directory.resolve("base" + firstScored + ".logits");
            Estimate error = save(path, reference, windows, 2);
            assertThat(error.value()).isBetween(0.0, 1e-7);
            assertThat(LogitFile.is(path)).isTrue();
            try (LogitFile file = LogitFile.open(path);
                    Workers workers = new Workers(2)) {
                Scores exact = run(model, reference, windows, 2).getFirst();
                List<Scores> stored = run(model, file, windows, 2);
                assertThat(stored.getFirst().divergence().value())
                        .isCloseTo(exact.divergence().value(), within(1e-3));
                assertThat(Estimate.mean(stored.getFirst().referenceNll()).value())
                        .isCloseTo(Estimate.mean(exact.referenceNll()).value(), within(1e-3));
                assertThat(stored.getFirst().sameTop()).isEqualTo(exact.sameTop());
                assertThat(stored.get(1).divergence().value()).isZero();
                LogitFile.Coarseness coarseness = file.coarseness(workers);
                assertThat(coarseness.step()).isBetween(1e-4, 32.0 / 65535);
                assertThat(coarseness.mass()).isLessThan(coarseness.step());
                // Fewer windows than the file holds are its first ones.
                assertThat(run(model, file, windows.subList(0, 2), 2).getFirst().kl())
                        .isEqualTo(Arrays.copyOf(
                                stored.getFirst().kl(), 2 * windows.getFirst().scored()));
            }
        }
    }

    @Test
    void sameBytesWithAnyNumberOfThreads() throws IOException {
        List<Window> windows = windows(6, 1, 64);
        save(directory.resolve("one"), new Drawn(64, 3), windows, 1);
        save(directory.resolve("two"), new Drawn(64, 3), windows, 2);
        assertThat(directory.resolve("two")).hasSameBinaryContentAs(directory.resolve("one"));
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void anUnfinishedFileDoesNotAppear() throws IOException {
        try (LogitFileWriter writer = new LogitFileWriter(directory.resolve("half"), windows(2, 1, 64), 64)) {
            assertThat(writer.bytes()).isPositive();
        }
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void refusesOtherWindowsAndDamagedFiles() throws IOException {
        Path path = directory.resolve("base");
        save(path, new Drawn(64, 1), windows(3, 1, 64), 1);
        try (LogitFile file = LogitFile.open(path)) {
            refuses(file, windows(4, 1, 64), "3 windows");
            refuses(file, windows(3, LENGTH / 2 + 1, 64), "9 of them scored");
            refuses(file, windows(3, 1, 31), "at position");
        }
        byte[] bytes = Files.readAllBytes(path);
        for (int size : new int[] {9, 40, bytes.length - 1}) {
            Path cut = Files.write(directory.resolve("cut" + size), Arrays.copyOf(bytes, size));
            assertThatThrownBy(() -> LogitFile.open(cut))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("HT-608");
        }
        assertThatThrownBy(() -> new LogitFileWriter(directory.resolve("x"), windows(3, 3, 64), 64))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-621");
    }

    private static void refuses(LogitFile file, List<Window> windows, String why) {
        assertThatThrownBy(() -> run(new Drawn(64, 2), file, windows, 1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-609")
                .hasMessageContaining(why);
    }

    @Test
    void countsFlipsAndPairedDifferences() {
        Scores scores = new Scores(
                new double[] {1, 2, 3, 4},
                new double[] {1, 0, 0, 1},
                new double[] {1, 1, 1, 1},
                new double[] {0, 1, 1, 1},
                new double[] {0.1, 0.2, 0.3, 0.4},
                new double[] {0, 1, 1, 1});
        assertThat(scores.flipsToWrong()).isEqualTo(2);
        assertThat(scores.flipsToRight()).isEqualTo(1);
        assertThat(scores.logRatio().value()).isCloseTo(1.5, within(1e-12));
        // Differences 0, 1, 2, 3: sd sqrt(5/3), over sqrt(4).
        assertThat(scores.logRatio().error()).isCloseTo(Math.sqrt(5.0 / 3) / 2, within(1e-12));
    }
}
