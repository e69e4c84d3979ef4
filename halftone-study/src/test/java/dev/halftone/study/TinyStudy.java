package dev.halftone.study;

import dev.halftone.TinyModel;
import dev.halftone.study.plan.CellResult;
import dev.halftone.study.plan.Job;
import dev.halftone.study.plan.StudyReader;
import dev.halftone.study.run.StudyRun;
import dev.halftone.study.store.StudyStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A study of the tests' tiny model, natural and with outlier channels: small enough to run in a few seconds. */
public final class TinyStudy {
    private static final String YAML = """
            study: tiny
            models: {natural: tiny, injected: "tiny+outliers(g=32,channels=2)"}
            recipes:
              gptq-w3: gptq-w3g16
              smoothquant: smoothquant-w8a8
            calibration:
              samples: 4
              length: 24
              draws: 2
              seed: 3
              sets:
                words: {text: calibration.txt}
                tokens: {source: tokens}
            evaluate:
              - perplexity: {text: test.txt, length: 32}
            """;

    private TinyStudy() {}

    /** Writes model, texts and the study's file; returns the file. */
    public static Path write(Path directory) throws IOException {
        return write(directory, YAML);
    }

    public static Path write(Path directory, String yaml) throws IOException {
        TinyModel.write(directory.resolve("tiny"), 1, 0.3);
        Files.writeString(directory.resolve("calibration.txt"), TinyModel.text(900, 2));
        Files.writeString(directory.resolve("test.txt"), TinyModel.text(320, 3));
        return Files.writeString(directory.resolve("study.yaml"), yaml);
    }

    public static String yaml() {
        return YAML;
    }

    /** The directory of a study that has run, the same for all tests that only look. */
    static synchronized Path shared() throws IOException {
        Path directory =
                Path.of("target", "shared-study-" + ProcessHandle.current().pid());
        if (!Files.isDirectory(directory)) {
            Files.createDirectories(directory);
            Files.writeString(
                    directory.resolve("items.jsonl"),
                    "{\"context\": \"w1 w2\", \"choices\": [\"w3\", \"w4 w5\"], \"gold\": 1}\n".repeat(3));
            Files.writeString(directory.resolve("other.txt"), TinyModel.text(200, 4));
            run(
                    write(
                            directory,
                            YAML + "  - perplexity: {text: other.txt, length: 32}\n  - choice: {file: items.jsonl}\n"
                                    + "analyse: {sets: [words, tokens], samples: 4}\n"),
                    directory.resolve("out"),
                    new Told(),
                    false);
        }
        return directory.resolve("out");
    }

    /** What a run told. */
    public static class Told implements StudyRun.Listener {
        public final List<String> jobs = new ArrayList<>();
        public final List<CellResult> results = new ArrayList<>();

        @Override
        public void preparing(String what, int done, int total) {}

        @Override
        public void cells(Job job, List<CellResult> finished, int done, int total) {
            jobs.add(job.recipe());
            results.addAll(finished);
        }
    }

    /** Runs the study in this process. */
    public static StudyRun.Summary run(Path file, Path out, StudyRun.Listener listener, boolean retryFailed) {
        return new StudyRun(StudyReader.read(file), out, new StudyRun.Options("local", 2, retryFailed), listener).run();
    }

    /** All figures of the store that do not depend on the clock, by the grid's row. */
    public static Map<String, String> figures(Path out) {
        Map<String, String> figures = new TreeMap<>();
        StudyStore.open(out)
                .read(
                        "SELECT concat_ws(' ', model, recipe, set_name, draw, evaluation), concat_ws(' ', r.cell, status,"
                                + " error, perplexity, perplexity_stderr, kl, kl_stderr, kl_p99, same_top, bits_per_weight,"
                                + " packed_bytes, techniques, nlls, kls) FROM results r LEFT JOIN (SELECT cell,"
                                + " list(nll ORDER BY window_index) AS nlls, list(kl ORDER BY window_index) AS kls FROM"
                                + " windows GROUP BY cell) w ON r.cell = w.cell ORDER BY 1",
                        rows -> figures.put(rows.getString(1), rows.getString(2)));
        return figures;
    }
}
