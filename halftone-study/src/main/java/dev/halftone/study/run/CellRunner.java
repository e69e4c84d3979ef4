package dev.halftone.study.run;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.error.HalftoneException;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.QuantizationResult;
import dev.halftone.recipe.QuantizationResult.CacheReport;
import dev.halftone.recipe.QuantizationResult.Evidence;
import dev.halftone.recipe.Quantizer;
import dev.halftone.recipe.Recipe;
import dev.halftone.recipe.Recipes;
import dev.halftone.study.plan.CellResult;
import dev.halftone.study.plan.CellResult.Choice;
import dev.halftone.study.plan.CellResult.Packed;
import dev.halftone.study.plan.CellResult.Text;
import dev.halftone.study.plan.Job;
import dev.halftone.study.plan.Job.Cell;
import dev.halftone.study.plan.Probe;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs a job: quantizes, writes the packed model, reads it back, measures it, deletes it. What goes wrong with one cell is that
 * cell's result and stops no other.
 */
public final class CellRunner {
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    private final StudyDirectory directory;
    private final Workers workers;
    private final Compute compute;
    private final String attempt;

    /**
     * Runs jobs of a study.
     *
     * @param attempt tells those apart that may run one job at the same time, as when one of them is only believed dead; empty where
     *     there is one
     */
    public CellRunner(CellExecutor.Setting setting, Workers workers, String attempt) {
        this.directory = new StudyDirectory(Path.of(setting.directory()));
        this.workers = workers;
        this.compute = setting.compute();
        this.attempt = attempt;
    }

    /** The results of all its cells, in their order. */
    public List<CellResult> run(Job job) {
        Path work = directory.work(job.cells().getFirst().key() + attempt);
        Measuring measuring = new Measuring(directory, work, compute, workers);
        Packed packed = null;
        List<CellResult> results = new ArrayList<>();
        try (ModelFile original = ModelFile.open(job.model())) {
            if (job.fullPrecision()) {
                packed = original(original);
                measure(measuring, job, original, original, packed, results);
            } else {
                Path model = work.resolve("model");
                packed = quantize(job, original, model);
                try (ModelFile readBack = ModelFile.open(model)) {
                    measure(measuring, job, original, readBack, packed, results);
                }
            }
        } catch (RuntimeException | OutOfMemoryError e) {
            for (Cell cell : job.cells().subList(results.size(), job.cells().size())) {
                results.add(failure(cell, e, packed));
            }
        } finally {
            StudyDirectory.delete(work);
        }
        return results;
    }

    private static CellResult failure(Cell cell, Throwable e, @Nullable Packed packed) {
        return switch (e) {
            case HalftoneException known ->
                CellResult.failed(cell.key(), known.code(), String.valueOf(known.getMessage()), packed);
            case OutOfMemoryError full ->
                CellResult.failed(cell.key(), "HT-503", "the Java heap is full: " + full, packed);
            default -> {
                StackTraceElement[] trace = e.getStackTrace();
                String place = trace.length == 0 ? "" : " at " + trace[0];
                yield CellResult.failed(cell.key(), "HT-900", "a mistake in Halftone: " + e + place, packed);
            }
        };
    }

    private Packed original(ModelFile model) {
        return new Packed(
                model.bitsPerLinearWeight(),
                model.bitsPerParameter(),
                size(model.checkpoint().files()),
                "",
                0,
                0,
                false,
                0,
                JSON.writeValueAsString(Provenance.of(
                        model.checkpoint().files(),
                        Map.of(
                                "model_transform",
                                model.transform(),
                                "dtype",
                                compute.type().label(),
                                "device",
                                compute.device().toString()))));
    }

    private Packed quantize(Job job, ModelFile model, Path target) {
        Recipe recipe = Recipes.parse(job.recipe(), job.yaml());
        CalibrationSet draw =
                job.drawFile().isEmpty() ? null : Draws.read(directory.path().resolve(job.drawFile()));
        if (draw != null && !draw.report().sha256().equals(job.drawHash())) {
            throw new InputException(
                    "HT-667",
                    job.drawFile(),
                    "holds a draw of SHA-256 " + draw.report().sha256() + "; expected " + job.drawHash(),
                    "delete it and run the study again");
        }
        Provenance provenance = Provenance.of(
                model.checkpoint().files(),
                Map.of(
                        "recipe_sha256",
                        Provenance.sha256(recipe.source()),
                        "draw_sha256",
                        job.drawHash(),
                        "model_transform",
                        model.transform(),
                        "dtype",
                        compute.type().label(),
                        "device",
                        compute.device().toString()));
        QuantizationResult result =
                new Quantizer(model, recipe, draw, compute, target, workers).run(provenance, (_, _) -> {});
        Evidence evidence = result.evidence();
        return new Packed(
                evidence.bitsPerWeight(),
                evidence.bitsPerParameter(),
                size(files(target)),
                techniques(evidence),
                result.seconds(),
                result.peakMemoryBytes(),
                result.fellBack(),
                evidence.events().size(),
                JSON.writeValueAsString(provenance));
    }

    private static String techniques(Evidence evidence) {
        Set<String> all = new LinkedHashSet<>();
        evidence.transforms().forEach(transform -> all.add(transform.method()));
        evidence.sites().forEach(site -> {
            all.add(site.method() + " " + site.format());
            if (site.inputs() != null) {
                all.add("inputs " + site.inputs());
            }
        });
        CacheReport cache = evidence.cache();
        if (cache != null) {
            all.add("cache " + cache.format());
        }
        return String.join("; ", all);
    }

    private static List<Path> files(Path directory) {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long size(List<Path> files) {
        long bytes = 0;
        try {
            for (Path file : files) {
                bytes += Files.size(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes;
    }

    /** Adds one result for each cell, whatever happens. */
    private static void measure(
            Measuring measuring,
            Job job,
            ModelFile original,
            ModelFile model,
            Packed packed,
            List<CellResult> results) {
        for (Cell cell : job.cells()) {
            long start = System.nanoTime();
            try {
                Text text = null;
                Choice choice = null;
                switch (cell.probe()) {
                    case Probe.Text probe ->
                        text = job.fullPrecision()
                                ? measuring.original(job, cell, probe, original)
                                : measuring.packed(job, cell, probe, original, model);
                    case Probe.Choice probe -> choice = measuring.choice(job, cell, probe, original, model);
                }
                double seconds = (System.nanoTime() - start) / 1e9;
                results.add(new CellResult(cell.key(), null, packed, text, choice, seconds));
            } catch (RuntimeException | OutOfMemoryError e) {
                results.add(failure(cell, e, packed));
            }
        }
    }
}
