package dev.halftone.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.error.HalftoneException;
import dev.halftone.study.TinyStudy;
import dev.halftone.study.plan.StudyReader;
import dev.halftone.study.run.CellExecutor;
import dev.halftone.study.run.StudyRun;
import dev.halftone.study.run.StudyRun.Summary;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeType;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Spark in this process. */
class SparkExecutorTest {
    @TempDir
    private Path directory = Path.of("");

    private static Summary run(Path file, Path out, String master, int cellThreads) {
        return run(file, out, master, cellThreads, Compute.FLOAT32);
    }

    private static Summary run(Path file, Path out, String master, int cellThreads, Compute compute) {
        return new StudyRun(
                        StudyReader.read(file),
                        out,
                        new StudyRun.Options(master, 2, cellThreads, false, compute),
                        new TinyStudy.Told())
                .run();
    }

    @Test
    void cellsOnSparkHaveTheFiguresOfCellsInThisProcess() throws IOException {
        Path file = TinyStudy.write(directory);
        Path plain = directory.resolve("plain");
        Summary expected = run(file, plain, "local", 2);
        assertThat(expected.failures()).isEmpty();
        Path out = directory.resolve("out");
        Summary summary = run(file, out, "local[2]", 0);
        assertThat(summary).isEqualTo(expected);
        assertThat(TinyStudy.figures(out)).hasSizeGreaterThan(20).isEqualTo(TinyStudy.figures(plain));
        assertThat(out.resolve("work")).isEmptyDirectory();

        Summary again = run(file, out, "local[1]", 0);
        assertThat(again.computed()).isZero();
        assertThat(again.kept()).isEqualTo(expected.cells());
    }

    /** One model, one set, one draw. */
    private static String smaller() {
        return TinyStudy.yaml()
                .replaceFirst("models: .*", "models: {natural: tiny}")
                .replaceFirst("draws: 2", "draws: 1")
                .replaceFirst(" +tokens: .*\n", "");
    }

    @Test
    void cellsRunInTheTypeThatWasAskedFor() throws IOException {
        Path file = TinyStudy.write(directory, smaller());
        Compute halves = Compute.of(ComputeType.BFLOAT16);
        Path plain = directory.resolve("plain");
        assertThat(run(file, plain, "local", 2, halves).failures()).isEmpty();
        Path out = directory.resolve("out");
        assertThat(run(file, out, "local[2]", 0, halves).failures()).isEmpty();
        assertThat(TinyStudy.figures(out)).isEqualTo(TinyStudy.figures(plain));
        Path full = directory.resolve("full");
        run(file, full, "local[2]", 0);
        assertThat(TinyStudy.figures(out)).isNotEqualTo(TinyStudy.figures(full));
    }

    @Test
    void aCellThatFailsIsRecordedAsWithoutSpark() throws IOException {
        Path file = TinyStudy.write(
                directory,
                smaller()
                        .replace(
                                "gptq-w3: gptq-w3g16",
                                "broken: |\n    steps:\n      - weights: {method: rtn, format: int3, group: 20}"));
        Summary summary = run(file, directory.resolve("out"), "local[2]", 2);
        assertThat(summary.failures()).hasSize(1);
        assertThat(summary.failures().getFirst().error()).contains("HT-431", "a group of 20");
        assertThat(summary).isEqualTo(run(file, directory.resolve("plain"), "local", 2));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "local[0]",
                "local[two]",
                "local[2",
                "spark://",
                "spark://host",
                "spark://host:99999",
                "spark://a:1,b"
            })
    void anythingElseIsRefused(String master) {
        assertThatThrownBy(() -> CellExecutor.named(master))
                .hasMessageContaining("HT-671")
                .hasMessageContaining(master);
    }

    @Test
    void aClusterOfAnotherKindIsAnsweredWithTheKindsThereAre() {
        assertThatThrownBy(() -> CellExecutor.named("yarn"))
                .hasMessageContaining("HT-665")
                .hasMessageContaining("local[N], spark://HOST:PORT");
    }

    @Test
    void severalMastersAreReadAsTheyAreWritten() {
        assertThat(SparkMaster.parse("spark://a.b:7077,[::1]:7078").url()).isEqualTo("spark://a.b:7077,[::1]:7078");
        assertThat(SparkMaster.parse("local[*]")).isInstanceOf(SparkMaster.Local.class);
    }

    @Test
    void moreThreadsThanCoresAreRefused() throws IOException {
        Path file = TinyStudy.write(directory);
        assertThatThrownBy(() -> run(file, directory.resolve("out"), "local[2]", 3))
                .hasMessageContaining("HT-671")
                .hasMessageContaining("local[2] has 2");
    }

    @Test
    void aMasterThatIsNotThereIsNoticedAtOnce() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        long start = System.nanoTime();
        assertThatThrownBy(() -> CellExecutor.named("spark://127.0.0.1:" + port))
                .isInstanceOf(HalftoneException.class)
                .hasMessageContaining("HT-672")
                .hasMessageContaining("127.0.0.1:" + port);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void aPortWhereSomethingElseListensIsNoticedSoon() throws IOException {
        Path file = TinyStudy.write(directory);
        System.setProperty("spark.scheduler.maxRegisteredResourcesWaitingTime", "3s");
        long start = System.nanoTime();
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            String master = "spark://127.0.0.1:" + silent.getLocalPort();
            assertThatThrownBy(() -> run(file, directory.resolve("out"), master, 1))
                    .isInstanceOf(HalftoneException.class)
                    .hasMessageContaining("HT-672");
        } finally {
            System.clearProperty("spark.scheduler.maxRegisteredResourcesWaitingTime");
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
    }

    @Test
    void whatSparkSaysGoesToTheFile() throws IOException {
        Path file = directory.resolve("spark.log");
        SparkLog.to(file);
        LoggerFactory.getLogger("org.apache.spark.Something").info("not worth a line");
        assertThat(file).doesNotExist();
        LoggerFactory.getLogger("org.apache.spark.Something").warn("worth a line");
        assertThat(Files.readString(file)).contains("worth a line").doesNotContain("not worth");
    }
}
