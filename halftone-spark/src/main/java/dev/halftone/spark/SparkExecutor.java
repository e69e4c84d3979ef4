package dev.halftone.spark;

import dev.halftone.spark.SparkTasks.Done;
import dev.halftone.spark.SparkTasks.Finished;
import dev.halftone.spark.SparkTasks.GivenUp;
import dev.halftone.study.plan.CellResult;
import dev.halftone.study.plan.CodeVersion;
import dev.halftone.study.plan.Job;
import dev.halftone.study.run.CellExecutor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Jobs as tasks of Apache Spark. Those that measure a model as it is come first, and the model's others after it: they compare with
 * the logits that it leaves. A job whose process dies is computed again elsewhere, up to Spark's {@code spark.task.maxFailures}.
 */
public final class SparkExecutor implements CellExecutor {
    private final SparkMaster master;

    private SparkExecutor(SparkMaster master) {
        this.master = master;
    }

    /** The service. */
    public static final class Spark extends SparkProvider<CellExecutor> implements Provider {
        @Override
        CellExecutor on(SparkMaster master) {
            return new SparkExecutor(master);
        }
    }

    @Override
    public void run(List<Job> jobs, Setting setting, Consumer<List<CellResult>> sink) {
        if (jobs.isEmpty()) {
            return;
        }
        Setting there = setting.withThreads(Math.max(1, setting.threads()));
        Path directory = Path.of(setting.directory());
        SparkLog.to(directory.resolve("spark.log"));
        try (SparkCluster cluster = SparkCluster.start(master, there.threads(), directory.resolve("work"));
                SparkTasks<Job, List<CellResult>> tasks =
                        new SparkTasks<>(cluster, new CellTask(there, CodeVersion.current()))) {
            Map<String, List<Job>> later = new LinkedHashMap<>();
            jobs.stream().filter(Job::fullPrecision).forEach(job -> {
                later.put(job.modelHash(), new ArrayList<>());
                tasks.submit(job);
            });
            for (Job job : jobs) {
                List<Job> waiting = later.get(job.modelHash());
                if (!job.fullPrecision() && waiting != null) {
                    waiting.add(job);
                } else if (!job.fullPrecision()) {
                    tasks.submit(job);
                }
            }
            for (int left = jobs.size(); left > 0; left--) {
                Finished<Job, List<CellResult>> finished = tasks.next();
                sink.accept(results(finished));
                if (finished.piece().fullPrecision()) {
                    later.getOrDefault(finished.piece().modelHash(), List.of()).forEach(tasks::submit);
                }
            }
        }
    }

    private static List<CellResult> results(Finished<Job, List<CellResult>> finished) {
        return switch (finished) {
            case Done<Job, List<CellResult>>(Job _, List<CellResult> results) -> results;
            case GivenUp<Job, List<CellResult>>(Job job, String reason) ->
                job.cells().stream()
                        .map(cell -> CellResult.failed(
                                cell.key(), "HT-676", "HT-676 Spark gave this cell up: " + reason, null))
                        .toList();
        };
    }

    @Override
    public void close() {}
}
