package dev.halftone.study.run;

import dev.halftone.provenance.Provenance;
import dev.halftone.study.plan.CellResult;
import dev.halftone.study.plan.CodeVersion;
import dev.halftone.study.plan.Job;
import dev.halftone.study.plan.StudyFile;
import dev.halftone.study.run.CellExecutor.Setting;
import dev.halftone.study.store.StudyStore;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Runs a study into a directory, or goes on with it: cells that are in the store are not computed again, whatever else has become
 * of the study's file. This alone writes the store, after every job.
 */
public final class StudyRun {
    private final StudyDirectory directory;
    private final StudyFile study;
    private final Options options;
    private final Listener listener;

    /**
     * How a study runs.
     *
     * @param master names the executor
     * @param threads that draw calibration sets and observe models, in this process
     * @param cellThreads of one cell, wherever it runs; 0 leaves them to the executor
     * @param retryFailed compute cells again that failed before
     * @param compute in what and where models run
     */
    public record Options(String master, int threads, int cellThreads, boolean retryFailed, Compute compute) {
        /** The same threads for cells. */
        public Options(String master, int threads, boolean retryFailed, Compute compute) {
            this(master, threads, threads, retryFailed, compute);
        }

        /** In float32 on the CPU. */
        public Options(String master, int threads, boolean retryFailed) {
            this(master, threads, retryFailed, Compute.FLOAT32);
        }
    }

    /** Told what happens. */
    public interface Listener {
        /** Before something that is no cell: a draw, a map. */
        void preparing(String what, int done, int total);

        /** After each job: cells of this run that are done, and those that it has. */
        void cells(Job job, List<CellResult> results, int done, int total);
    }

    /**
     * How it ended.
     *
     * @param cells different ones of the study
     * @param kept were in the store before
     * @param computed by this run, failed ones among them
     * @param failures of the study by cell, of this run or kept from an earlier one
     */
    public record Summary(int cells, int kept, int computed, List<Failed> failures) {}

    /** A cell that could not be measured. */
    public record Failed(String model, String recipe, String setName, int draw, String evaluation, String error) {}

    public StudyRun(StudyFile study, Path directory, Options options, Listener listener) {
        this.study = study;
        this.directory = new StudyDirectory(directory.toAbsolutePath().normalize());
        this.options = options;
        this.listener = listener;
    }

    /** Runs what is still to be run. */
    public Summary run() {
        directory.prepare();
        try (CellExecutor executor = CellExecutor.named(options.master());
                FileChannel _ = directory.lock()) {
            directory.clean();
            StudyStore store = StudyStore.create(directory.path());
            String code = code();
            Grid grid = layOut(store, code);
            Set<String> known = new HashSet<>(store.keys(false));
            if (!options.retryFailed()) {
                known.addAll(store.keys(true));
            }
            List<Job> pending = pending(grid.jobs(), known);
            int computed = execute(executor, pending, store, code);
            directory.clean(); // what was left by processes that died
            int cells = grid.jobs().stream().mapToInt(job -> job.cells().size()).sum();
            return new Summary(cells, cells - computed, computed, failures(store));
        } catch (IOException e) {
            throw StudyDirectory.unwritable(directory.path(), e);
        }
    }

    /** Of everything but the study that a cell's result depends on. */
    private String code() {
        Compute compute = options.compute();
        return compute.equals(Compute.FLOAT32)
                ? CodeVersion.current()
                : "%s %s %s".formatted(CodeVersion.current(), compute.type().label(), compute.device());
    }

    private Grid layOut(StudyStore store, String code) {
        try (Workers workers = new Workers(options.threads())) {
            Grid grid = new Grid(
                    study,
                    code,
                    new Draws(directory, code, workers),
                    (done, total, what) -> listener.preparing("drawing " + what, done, total));
            store.write(connection -> {
                for (Map.Entry<String, List<List<@Nullable Object>>> table :
                        grid.rows().entrySet()) {
                    StudyStore.replace(connection, table.getKey(), table.getValue());
                }
                StudyStore.replace(connection, "meta", meta(code));
            });
            new Maps(directory, code, options.compute(), workers)
                    .make(
                            study,
                            grid.models(),
                            store,
                            (done, total, what) -> listener.preparing("observing " + what, done, total));
            return grid;
        }
    }

    private List<List<@Nullable Object>> meta(String code) {
        Provenance made = Provenance.of(List.of(), Map.of());
        Map<String, String> meta = new LinkedHashMap<>();
        meta.put("schema", String.valueOf(StudyStore.schema()));
        meta.put("study", study.name());
        meta.put("source", study.source());
        meta.put("code", code);
        meta.put("version", made.version());
        meta.put("java", made.java());
        meta.put("system", made.os() + " " + made.arch());
        meta.put("kernels", made.kernels());
        meta.put("libtorch", made.libtorch());
        meta.put("dtype", options.compute().type().label());
        meta.put("device", options.compute().device().toString());
        meta.put("draws", String.valueOf(study.draws()));
        List<List<@Nullable Object>> rows = new ArrayList<>();
        meta.forEach((key, value) -> rows.add(List.of(key, value)));
        return rows;
    }

    /** The jobs with those of their cells that are not known. */
    private static List<Job> pending(List<Job> jobs, Set<String> known) {
        List<Job> pending = new ArrayList<>();
        for (Job job : jobs) {
            List<Job.Cell> cells = job.cells().stream()
                    .filter(cell -> !known.contains(cell.key()))
                    .toList();
            if (!cells.isEmpty()) {
                pending.add(new Job(
                        job.model(), job.modelHash(), job.recipe(), job.yaml(), job.drawFile(), job.drawHash(), cells));
            }
        }
        return pending;
    }

    private int execute(CellExecutor executor, List<Job> pending, StudyStore store, String code) {
        Map<String, Job> jobOf = new HashMap<>();
        pending.forEach(job -> job.cells().forEach(cell -> jobOf.put(cell.key(), job)));
        int total = jobOf.size();
        int[] done = {0};
        Setting setting = Setting.of(directory.path(), options.cellThreads(), options.compute());
        executor.run(pending, setting, results -> {
            store.add(results, code);
            done[0] += results.size();
            Job job = jobOf.get(results.getFirst().cell());
            if (job == null) {
                throw new IllegalStateException("a result of no job: " + results.getFirst());
            }
            listener.cells(job, results, done[0], total);
        });
        return done[0];
    }

    private static List<Failed> failures(StudyStore store) {
        return store.read(
                "SELECT model, recipe, min(set_name), min(draw), evaluation, error FROM results"
                        + " WHERE status = 'failed' GROUP BY model, recipe, evaluation, cell, error ORDER BY ALL",
                rows -> new Failed(
                        rows.getString(1),
                        rows.getString(2),
                        rows.getString(3),
                        rows.getInt(4),
                        rows.getString(5),
                        rows.getString(6)));
    }
}
