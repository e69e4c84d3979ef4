package dev.halftone.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halftone.error.HalftoneException;
import dev.halftone.study.TinyStudy;
import dev.halftone.study.plan.CellResult;
import dev.halftone.study.plan.Job;
import dev.halftone.study.plan.StudyReader;
import dev.halftone.study.run.StudyRun;
import dev.halftone.study.run.StudyRun.Summary;
import dev.halftone.tensor.Compute;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real cluster: processes of a Spark distribution that talk over the loopback interface. Skipped where there is none. */
class StandaloneClusterTest {
    private static final String PATIENCE = "spark.scheduler.maxRegisteredResourcesWaitingTime";

    private static final Map<String, String> SETTINGS = Map.of(
            "spark.driver.host",
            "127.0.0.1",
            "spark.driver.bindAddress",
            "127.0.0.1",
            "spark.executor.memory",
            "600m",
            PATIENCE,
            "300s");

    @TempDir
    private Path directory = Path.of("");

    @BeforeEach
    void set() {
        SETTINGS.forEach(System::setProperty);
    }

    @AfterEach
    void clear() {
        SETTINGS.keySet().forEach(System::clearProperty);
    }

    private static Path home() {
        String home = System.getenv().getOrDefault("SPARK_HOME", "");
        Path jars = Path.of(home, "jars");
        assumeTrue(
                !home.isEmpty() && Files.isDirectory(jars),
                "SPARK_HOME names no Spark distribution: no test on a real cluster (the folder deps of PyPI's pyspark 4.2.0 is one)");
        return Path.of(home);
    }

    @Test
    void aWorkerThatDiesLosesNothingAndAClusterWithoutWorkersIsNoticed() throws IOException {
        Path home = home();
        Path file = TinyStudy.write(directory);
        Path plain = directory.resolve("plain");
        TinyStudy.run(file, plain, new TinyStudy.Told(), false);
        try (StandaloneCluster cluster = new StandaloneCluster(home, directory.resolve("cluster"))) {
            KillsAWorker listener = new KillsAWorker(cluster.addWorker());
            Process other = cluster.addWorker();
            Path out = directory.resolve("out");
            Summary summary = run(file, out, cluster, listener);
            assertThat(summary.failures()).as(cluster::logs).isEmpty();
            assertThat(summary.computed()).isEqualTo(summary.cells());
            assertThat(TinyStudy.figures(out)).isEqualTo(TinyStudy.figures(plain));
            assertThat(out.resolve("work")).isEmptyDirectory();
            // Two executors had joined, and one was lost.
            assertThat(Files.readString(out.resolve("spark.log"))).contains("Lost executor");

            StandaloneCluster.kill(other);
            System.setProperty(PATIENCE, "5s");
            assertThatThrownBy(() -> run(file, directory.resolve("none"), cluster, new TinyStudy.Told()))
                    .isInstanceOf(HalftoneException.class)
                    .hasMessageContaining("HT-673");
        }
    }

    /** Kills a worker as soon as some cells are done and others are not. */
    private static final class KillsAWorker extends TinyStudy.Told {
        private @Nullable Process worker;

        KillsAWorker(Process worker) {
            this.worker = worker;
        }

        @Override
        public void cells(Job job, List<CellResult> finished, int done, int total) {
            super.cells(job, finished, done, total);
            Process doomed = worker;
            if (done >= 4 && doomed != null) {
                worker = null;
                StandaloneCluster.kill(doomed);
            }
        }
    }

    private static Summary run(Path file, Path out, StandaloneCluster cluster, StudyRun.Listener listener) {
        return new StudyRun(
                        StudyReader.read(file),
                        out,
                        new StudyRun.Options(cluster.url(), 2, 0, false, Compute.FLOAT32),
                        listener)
                .run();
    }
}
