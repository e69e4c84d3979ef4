package dev.halftone.study.run;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.TokenHistogram;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.format.ModelFile;
import dev.halftone.study.plan.Hashes;
import dev.halftone.study.plan.Job;
import dev.halftone.study.plan.Job.Cell;
import dev.halftone.study.plan.Probe;
import dev.halftone.study.plan.StudyFile;
import dev.halftone.study.plan.StudyFile.CalibrationSetEntry;
import dev.halftone.study.plan.StudyFile.Model;
import dev.halftone.study.plan.StudyFile.NamedRecipe;
import dev.halftone.study.run.Draws.Draw;
import dev.halftone.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A study laid out: its cells and the rows of the store that describe it. The same draw goes to every recipe; a recipe that reads
 * none has one cell, which stands in the rows of all sets and draws.
 */
final class Grid {
    private final StudyFile study;
    private final String code;
    private final Draws draws;
    private final Map<String, Job> jobs = new LinkedHashMap<>();
    private final Map<String, List<List<@Nullable Object>>> rows = new TreeMap<>();
    private final Map<Model, Loaded> models = new LinkedHashMap<>();

    /**
     * A model of the study.
     *
     * @param hash SHA-256 over its files
     * @param draws by set, in their order
     */
    record Loaded(Model model, String hash, Map<String, List<Draw>> draws) {}

    /** Told what is being drawn. */
    @FunctionalInterface
    interface Progress {
        void drawing(int done, int total, String what);
    }

    Grid(StudyFile study, String code, Draws draws, Progress progress) {
        this.study = study;
        this.code = code;
        this.draws = draws;
        for (String table : List.of("models", "recipes", "sets", "draws", "distances", "evaluations", "grid")) {
            rows.put(table, new ArrayList<>());
        }
        describe();
        int total = study.models().size() * study.sets().size() * study.draws();
        int done = 0;
        for (Model model : study.models()) {
            add(model, done, total, progress);
            done += total / study.models().size();
        }
    }

    /** Every job of the study: models in their order, each as it is before it is quantized. */
    List<Job> jobs() {
        return List.copyOf(jobs.values());
    }

    List<Loaded> models() {
        return List.copyOf(models.values());
    }

    /** Rows of the tables that describe the study, by table. */
    Map<String, List<List<@Nullable Object>>> rows() {
        return rows;
    }

    private void row(String table, @Nullable Object... values) {
        rows.getOrDefault(table, new ArrayList<>()).add(Arrays.asList(values));
    }

    private void describe() {
        int position = 0;
        for (NamedRecipe recipe : study.recipes()) {
            rows.getOrDefault("recipes", new ArrayList<>()).add(RecipeRow.of(position++, recipe));
        }
        position = 0;
        for (CalibrationSetEntry set : study.sets()) {
            row(
                    "sets",
                    position++,
                    set.name(),
                    set.options().source().name(),
                    set.options().source().variant(),
                    String.join(
                            ", ",
                            set.options().source().files().stream()
                                    .map(file -> String.valueOf(file.getFileName()))
                                    .toList()),
                    set.nonsense(),
                    set.name().equals(study.defaultSet()));
        }
        position = 0;
        for (Probe probe : study.probes()) {
            List<String> names = probe.files().stream()
                    .map(file -> file.substring(file.replace('\\', '/').lastIndexOf('/') + 1))
                    .toList();
            row("evaluations", position++, probe.name(), probe.kind(), probe.settings(), String.join(", ", names));
        }
    }

    private void add(Model model, int before, int total, Progress progress) {
        try (ModelFile file = ModelFile.open(model.name());
                TextTokenizer tokenizer = file.tokenizer()) {
            String hash = Hashes.model(file);
            String ids = Hashes.tokenizer(tokenizer);
            row(
                    "models",
                    models.size(),
                    model.label(),
                    model.name(),
                    hash,
                    file.spec().family(),
                    file.spec().layers(),
                    file.spec().hidden(),
                    file.parameters(),
                    file.bitsPerParameter(),
                    file.transform());
            Map<String, List<Draw>> drawn = new LinkedHashMap<>();
            int done = before;
            for (CalibrationSetEntry set : study.sets()) {
                List<Draw> ofSet = new ArrayList<>();
                for (int k = 0; k < study.draws(); k++) {
                    progress.drawing(done++, total, model.label() + " " + set.name());
                    ofSet.add(draws.get(file, hash, ids, set.draw(k)));
                    draw(model, set, k, ofSet.getLast());
                }
                drawn.put(set.name(), ofSet);
            }
            models.put(model, new Loaded(model, hash, drawn));
            distances(model, drawn, tokenizer, file.spec().embedding().vocabulary());
            List<Cell> probes = study.probes().stream()
                    .map(probe -> new Cell("", probe, Hashes.probe(probe, ids)))
                    .toList();
            study.recipes().forEach(recipe -> cells(model, hash, recipe, drawn, probes));
        }
    }

    private void draw(Model model, CalibrationSetEntry set, int k, Draw draw) {
        CalibrationSet.Report report = draw.set().report();
        row(
                "draws",
                model.label(),
                set.name(),
                k,
                set.draw(k).seed(),
                report.sha256(),
                StudyDirectory.drawName(draw.key()),
                report.samples(),
                report.length(),
                report.tokens(),
                report.distinctTokens(),
                report.entropyBits(),
                report.bos());
    }

    private void distances(Model model, Map<String, List<Draw>> drawn, TextTokenizer tokenizer, int vocabulary) {
        for (Probe probe : study.probes()) {
            if (probe instanceof Probe.Text text) {
                TokenHistogram evaluated = TokenHistogram.of(Measuring.windows(text, tokenizer).stream()
                        .map(Window::tokens)
                        .toList());
                drawn.forEach((set, all) -> {
                    for (int k = 0; k < all.size(); k++) {
                        TokenHistogram calibrated =
                                TokenHistogram.of(all.get(k).set().sequences());
                        double kl = TokenHistogram.divergence(evaluated, calibrated, vocabulary);
                        row("distances", model.label(), set, k, probe.name(), kl);
                    }
                });
            }
        }
    }

    private void cells(Model model, String hash, NamedRecipe recipe, Map<String, List<Draw>> drawn, List<Cell> probes) {
        drawn.forEach((set, all) -> {
            for (int k = 0; k < all.size(); k++) {
                boolean free = recipe.dataFree();
                String drawHash = free ? "" : all.get(k).set().report().sha256();
                String drawFile = free ? "" : StudyDirectory.drawName(all.get(k).key());
                List<Cell> cells = probes.stream()
                        .map(probe -> new Cell(
                                Hashes.cell(code, hash, recipe.yaml(), drawHash, probe.probeHash()),
                                probe.probe(),
                                probe.probeHash()))
                        .toList();
                jobs.putIfAbsent(
                        Hashes.of(hash, recipe.yaml(), drawHash),
                        new Job(model.name(), hash, recipe.name(), recipe.yaml(), drawFile, drawHash, distinct(cells)));
                for (Cell cell : cells) {
                    row(
                            "grid",
                            model.label(),
                            recipe.name(),
                            set,
                            k,
                            cell.probe().name(),
                            cell.key());
                }
            }
        });
    }

    /** Two probes may be the same but for their names. */
    private static List<Cell> distinct(List<Cell> cells) {
        Map<String, Cell> byKey = new LinkedHashMap<>();
        cells.forEach(cell -> byKey.putIfAbsent(cell.key(), cell));
        return List.copyOf(byKey.values());
    }
}
