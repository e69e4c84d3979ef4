package dev.halftone.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A real cluster: processes that talk over the loopback interface. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Spark needs Hadoop's programs there")
class StandaloneClusterTest {
    private static final Map<String, String> SETTINGS = Map.of(
            "spark.driver.host", "127.0.0.1",
            "spark.driver.bindAddress", "127.0.0.1",
            "spark.executor.memory", "600m",
            "spark.scheduler.maxRegisteredResourcesWaitingTime", "20s");

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

    @Test
    void aWorkerThatDiesLosesNothingAndAClusterWithoutWorkersIsNoticed() throws IOException {
        Path file = TinyStudy.write(directory);
        Path plain = directory.resolve("plain");
        TinyStudy.run(file, plain, new TinyStudy.Told(), false);
        try (LocalCluster cluster = new LocalCluster(directory.resolve("cluster"))) {
            Process doomed = cluster.addWorker();
            Process other = cluster.addWorker();
            Path out = directory.resolve("out");
            AtomicReference<Process> alive = new AtomicReference<>(doomed);
            Summary summary = run(file, out, cluster, new TinyStudy.Told() {
                @Override
                public void cells(Job job, List<CellResult> finished, int done, int total) {
                    super.cells(job, finished, done, total);
                    Process worker = alive.get();
                    if (done >= 6 && worker != null) {
                        alive.set(null);
                        LocalCluster.kill(worker);
                    }
                }
            });
            assertThat(summary.failures()).as(cluster::logs).isEmpty();
            assertThat(summary.computed()).isEqualTo(summary.cells());
            assertThat(TinyStudy.figures(out)).isEqualTo(TinyStudy.figures(plain));
            assertThat(out.resolve("work")).isEmptyDirectory();
            // Two executors had joined, and one was lost.
            assertThat(Files.readString(out.resolve("spark.log"))).contains("Lost executor");

            LocalCluster.kill(other);
            assertThatThrownBy(() -> run(file, directory.resolve("none"), cluster, new TinyStudy.Told()))
                    .isInstanceOf(HalftoneException.class)
                    .hasMessageContaining("HT-673");
        }
    }

    private static Summary run(Path file, Path out, LocalCluster cluster, StudyRun.Listener listener) {
        return new StudyRun(StudyReader.read(file), out, new StudyRun.Options(cluster.url(), 2, 0, false, Compute.FLOAT32), listener)
                .run();
    }
}
