package dev.halftone.study.run;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.statistics.Accumulator;
import dev.halftone.statistics.ModelStatistics;
import dev.halftone.statistics.SiteStatistics;
import dev.halftone.statistics.StatisticsFile;
import dev.halftone.statistics.StatisticsService;
import dev.halftone.statistics.TensorMetrics;
import dev.halftone.study.plan.Hashes;
import dev.halftone.study.plan.StudyFile;
import dev.halftone.study.run.Grid.Loaded;
import dev.halftone.study.store.StudyStore;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Statistics of the full-precision models' activations on the first draw of some sets: files, and rows of metrics. */
final class Maps {
    private static final Path SPILL = Path.of(System.getProperty("java.io.tmpdir"));
    private final StudyDirectory directory;
    private final String code;
    private final Compute compute;
    private final Workers workers;

    Maps(StudyDirectory directory, String code, Compute compute, Workers workers) {
        this.directory = directory;
        this.code = code;
        this.compute = compute;
        this.workers = workers;
    }

    /** Told before each model and set. */
    @FunctionalInterface
    interface Progress {
        void observing(int done, int total, String what);
    }

    /** Makes what is missing, and the rows of all. */
    void make(StudyFile study, List<Loaded> models, StudyStore store, Progress progress) {
        List<List<@Nullable Object>> maps = new ArrayList<>();
        List<List<@Nullable Object>> sites = new ArrayList<>();
        int total = models.size() * study.analysis().sets().size();
        for (Loaded model : models) {
            for (String set : study.analysis().sets()) {
                CalibrationSet draw =
                        model.draws().getOrDefault(set, List.of()).getFirst().set();
                String key = Hashes.of(
                        "map",
                        code,
                        model.hash(),
                        draw.report().sha256(),
                        String.valueOf(study.analysis().samples()));
                Path file = directory.map(key);
                if (!Files.isRegularFile(file)) {
                    progress.observing(maps.size(), total, model.model().label() + " " + set);
                    observe(model, draw, study.analysis().samples(), file);
                }
                ModelStatistics statistics = StatisticsFile.read(file);
                maps.add(Arrays.asList(
                        model.model().label(),
                        set,
                        "maps/" + file.getFileName(),
                        (int) statistics.source().sequences(),
                        statistics.source().tokens()));
                statistics.sites().forEach(site -> metrics(model.model().label(), set, site, sites));
            }
        }
        store.write(connection -> {
            StudyStore.replace(connection, "maps", maps);
            StudyStore.replace(connection, "sites", sites);
        });
    }

    private void observe(Loaded model, CalibrationSet draw, int samples, Path file) {
        List<int[]> sequences =
                draw.sequences().subList(0, Math.min(samples, draw.sequences().size()));
        Path beside = file.resolveSibling("." + file.getFileName() + ".part");
        try (ModelFile opened = ModelFile.open(model.model().name());
                Decoder decoder = opened.decoder(compute)) {
            ModelStatistics statistics = new StatisticsService(decoder, StatisticsService.Options.DEFAULT, workers)
                    .of(sequences, model.hash(), draw.report().sha256(), SPILL, (_, _) -> {});
            StatisticsFile.write(beside, statistics);
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw StudyDirectory.unwritable(file, e);
        }
    }

    private static void metrics(String model, String set, SiteStatistics site, List<List<@Nullable Object>> rows) {
        Map<String, Accumulator> parts = Map.of("all", site.all(), "first", site.first(), "rest", site.rest());
        for (String part : List.of("all", "first", "rest")) {
            TensorMetrics m = TensorMetrics.of(parts.getOrDefault(part, site.rest()));
            rows.add(Arrays.asList(
                    model,
                    set,
                    site.site().block(),
                    site.site().kind().label(),
                    part,
                    m.absmax(),
                    m.absmean(),
                    m.rms(),
                    m.median(),
                    m.maxToMean(),
                    m.maxToMedian(),
                    m.kurtosis(),
                    m.channelSpread(),
                    m.sixSigmaShare()));
        }
    }
}
