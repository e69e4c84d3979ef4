package dev.halftone.study;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.study.store.StudyStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A study in a process of its own, killed without warning. */
class KilledStudyTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void aStudyThatIsKilledGoesOnWithEveryFinishedCellAndGivesTheSameResults() throws Exception {
        Path file = TinyStudy.write(directory);
        Path whole = directory.resolve("whole");
        TinyStudy.run(file, whole, new TinyStudy.Told(), false);
        Path out = directory.resolve("out");
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int before = 0;
        for (int attempt = 0; attempt < 2; attempt++) {
            int cells = before + 1 + random.nextInt(7);
            killAfter(file, out, cells - before, random.nextInt(60));
            before = StudyStore.open(out).keys(false).size();
            assertThat(before).as("seed %d", seed).isGreaterThanOrEqualTo(cells);
        }
        TinyStudy.Told told = new TinyStudy.Told();
        var summary = TinyStudy.run(file, out, told, false);
        assertThat(summary.kept()).as("seed %d", seed).isEqualTo(before);
        assertThat(told.results).hasSize(summary.cells() - before);
        assertThat(TinyStudy.figures(out)).as("seed %d", seed).isEqualTo(TinyStudy.figures(whole));
        assertThat(out.resolve("work")).isEmptyDirectory();
    }

    /** Starts the study, waits for some lines of output and a moment more, kills it. */
    private static void killAfter(Path file, Path out, int cells, int milliseconds)
            throws IOException, InterruptedException {
        Path log = Files.createTempFile(out.getParent(), "killed", ".log");
        Process process = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        StudyProcess.class.getName(),
                        file.toString(),
                        out.toString()))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(300);
            while (Files.readString(log).lines().filter("cell"::equals).count() < cells) {
                assertThat(process.isAlive()).as(() -> "ended: " + read(log)).isTrue();
                assertThat(System.nanoTime()).as(() -> "too slow: " + read(log)).isLessThan(until);
                Thread.sleep(2);
            }
            Thread.sleep(milliseconds);
        } finally {
            process.destroyForcibly();
            process.waitFor();
        }
    }

    private static String read(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** The process that is killed. */
    static final class StudyProcess {
        private StudyProcess() {}

        public static void main(String[] args) {
            TinyStudy.run(
                    Path.of(args[0]),
                    Path.of(args[1]),
                    new TinyStudy.Told() {
                        @Override
                        public void cells(
                                dev.halftone.study.plan.Job job,
                                List<dev.halftone.study.plan.CellResult> finished,
                                int done,
                                int total) {
                            finished.forEach(_ -> System.out.println("cell"));
                        }
                    },
                    false);
            Runtime.getRuntime().halt(0);
        }
    }
}
