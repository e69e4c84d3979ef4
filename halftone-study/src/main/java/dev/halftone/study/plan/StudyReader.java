package dev.halftone.study.plan;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.error.InputException;
import dev.halftone.evaluate.EvaluationTask;
import dev.halftone.evaluate.WindowRule;
import dev.halftone.recipe.CalibrationKeys;
import dev.halftone.recipe.Recipe;
import dev.halftone.recipe.Recipes;
import dev.halftone.study.plan.StudyFile.Analysis;
import dev.halftone.study.plan.StudyFile.CalibrationSetEntry;
import dev.halftone.study.plan.StudyFile.Model;
import dev.halftone.study.plan.StudyFile.NamedRecipe;
import dev.halftone.text.TextFiles;
import dev.halftone.yaml.YamlReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads a study's file. Paths in it start from the file's own directory. */
public final class StudyReader {
    private static final int LARGEST_DRAWS = 100;

    private final Path base;
    private final YamlReader root;
    private final String source;

    private final List<String> instead;

    private StudyReader(Path file, String source, List<String> instead) {
        this.instead = instead;
        this.base = Optional.ofNullable(file.toAbsolutePath().getParent()).orElseThrow();
        this.source = source;
        this.root = YamlReader.document(file.toString(), source);
    }

    /**
     * Reads a file.
     *
     * @throws InputException HT-420 and HT-421 for what is no study, HT-660 for one that contradicts itself
     */
    public static StudyFile read(Path file) {
        return read(file, List.of());
    }

    /**
     * Reads a file for other models than its own.
     *
     * @param models names as a command takes them; empty for the file's own
     */
    public static StudyFile read(Path file, List<String> models) {
        String text = TextFiles.read(file);
        return new StudyReader(file, text, models).study();
    }

    private StudyFile study() {
        String name = root.string("study", "study");
        List<Model> models = models();
        List<NamedRecipe> recipes = Anchors.with(recipes());
        YamlReader calibration = section(root, "calibration");
        int draws = calibration.integer("draws", 5);
        if (draws < 1 || draws > LARGEST_DRAWS) {
            throw calibration.error("draws", "draws is %d; expected 1 to %d".formatted(draws, LARGEST_DRAWS));
        }
        List<CalibrationSetEntry> sets = sets(calibration);
        String defaultSet = calibration.string("default", sets.getFirst().name());
        if (sets.stream().noneMatch(set -> set.name().equals(defaultSet))) {
            throw contradiction(calibration.place("default"), "default", defaultSet, sets);
        }
        calibration.finish();
        List<Probe> probes = new ArrayList<>();
        for (YamlReader entry : root.mappings("evaluate")) {
            probes.add(probe(entry));
        }
        distinct(probes.stream().map(Probe::name).toList(), root.place("evaluate"));
        Analysis analysis = analysis(sets, defaultSet);
        root.finish();
        return new StudyFile(name, source, models, recipes, sets, defaultSet, draws, probes, analysis);
    }

    private static YamlReader section(YamlReader reader, String key) {
        YamlReader section = reader.mapping(key);
        if (section == null) {
            throw reader.error(key, "\"" + key + "\" is missing");
        }
        return section;
    }

    private static InputException contradiction(String place, String key, String name, List<CalibrationSetEntry> sets) {
        return new InputException(
                "HT-660",
                place,
                "%s is \"%s\"; the calibration sets are %s"
                        .formatted(
                                key,
                                name,
                                sets.stream().map(CalibrationSetEntry::name).toList()),
                "");
    }

    private static void distinct(List<String> names, String place) {
        Set<String> seen = new HashSet<>();
        for (String name : names) {
            if (!seen.add(name)) {
                throw new InputException("HT-660", place, "\"" + name + "\" is there twice", "give one another name");
            }
        }
    }

    /** A list of names, or names by label. */
    private Map<String, String> named(String key) {
        Map<String, String> named = new LinkedHashMap<>();
        if (root.isMapping(key)) {
            YamlReader entries = section(root, key);
            entries.keys().forEach(label -> named.put(label, entries.string(label, "")));
            entries.finish();
        } else {
            List<String> names = root.strings(key, List.of());
            distinct(names, root.place(key));
            names.forEach(name -> named.put(label(name), name));
            if (named.size() < names.size()) {
                throw new InputException(
                        "HT-660",
                        root.place(key),
                        "two of them would be called the same",
                        "write LABEL: NAME instead of a list");
            }
        }
        if (named.isEmpty()) {
            throw root.error(key, "\"" + key + "\" must have at least one entry");
        }
        return named;
    }

    /** The last part of a path, without what stands in front of a zoo model's name or behind a recipe's. */
    private static String label(String name) {
        String last = name.substring(name.replace('\\', '/').lastIndexOf('/') + 1);
        return last.replaceFirst("^zoo:", "").replaceFirst("\\.(ya?ml|gguf)$", "");
    }

    private List<Model> models() {
        List<Model> models = new ArrayList<>();
        if (!instead.isEmpty()) {
            root.has("models"); // known here, and not read
            instead.forEach(name ->
                    models.add(new Model(label(name), model(Path.of("").toAbsolutePath(), name))));
            distinct(models.stream().map(Model::label).toList(), "--model");
            return models;
        }
        named("models").forEach((label, name) -> models.add(new Model(label, model(base, name))));
        return models;
    }

    /** A path that starts from a directory if there is one, whatever is done to the model; else a name. */
    private static String model(Path directory, String name) {
        int injection = name.indexOf("+outliers");
        String path = injection < 0 ? name : name.substring(0, injection);
        return path.contains(":") || !Files.exists(directory.resolve(path))
                ? name
                : directory.resolve(path).normalize() + name.substring(path.length());
    }

    private String resolved(String path) {
        return base.resolve(path).normalize().toString();
    }

    private List<NamedRecipe> recipes() {
        List<NamedRecipe> recipes = new ArrayList<>();
        named("recipes").forEach((label, text) -> {
            Recipe recipe;
            if (text.contains("\n")) {
                recipe = Recipes.parse(root.place("recipes") + " " + label, text);
            } else {
                boolean file = text.matches(".*\\.ya?ml");
                recipe = Recipes.open(file ? resolved(text) : text);
            }
            if (label.equals(StudyFile.FULL_PRECISION)) {
                throw root.error("recipes", "\"" + label + "\" is what every study calls its models as they are");
            }
            recipes.add(new NamedRecipe(label, recipe.source(), Optional.of(recipe), false));
        });
        return recipes;
    }

    private List<CalibrationSetEntry> sets(YamlReader calibration) {
        CalibrationOptions absent = CalibrationOptions.DEFAULT;
        CalibrationOptions common = new CalibrationOptions(
                absent.source(),
                calibration.integer("samples", absent.samples()),
                calibration.integer("length", absent.length()),
                calibration.wide("seed", 0));
        YamlReader entries = section(calibration, "sets");
        List<CalibrationSetEntry> sets = new ArrayList<>();
        for (String name : entries.keys()) {
            YamlReader entry = section(entries, name);
            boolean moded = entry.has("mode");
            CalibrationOptions options = CalibrationKeys.read(entry, common);
            CalibrationSource source = options.source();
            if (source instanceof CalibrationSource.Text text && !moded) {
                // The first windows of a text would be the same in every draw.
                source = new CalibrationSource.Text(CalibrationSource.Mode.GPTQ, text.files());
            }
            List<Path> files = source.files().stream()
                    .map(file -> base.resolve(file).normalize())
                    .toList();
            sets.add(new CalibrationSetEntry(
                    name,
                    new CalibrationOptions(
                            files.isEmpty() ? source : source.withFiles(files),
                            options.samples(),
                            options.length(),
                            options.seed())));
        }
        entries.finish();
        if (sets.isEmpty()) {
            throw calibration.error("sets", "\"sets\" must have at least one entry");
        }
        return sets;
    }

    private Probe probe(YamlReader entry) {
        boolean text = entry.has("perplexity");
        String word = text ? "perplexity" : entry.has("generate") ? "generate" : "choice";
        YamlReader keys = entry.mapping(word);
        entry.finish();
        if (keys == null) {
            throw new InputException("HT-421", entry.place(), "an entry is one of: perplexity, choice, generate", "");
        }
        Probe probe = text ? text(keys) : task(keys);
        keys.finish();
        return probe;
    }

    private Probe text(YamlReader keys) {
        List<String> files = keys.strings("text", List.of());
        if (files.isEmpty()) {
            throw keys.error("text", "\"text\" is missing");
        }
        String windows = keys.string("windows", "gptq");
        try {
            WindowRule.named(windows);
        } catch (InputException e) {
            throw e.at(keys.place("windows"));
        }
        int length = keys.integer("length", 512);
        int chunks = keys.integer("chunks", -1);
        if (length < 2 || chunks == 0 || chunks < -1) {
            throw keys.error(
                    length < 2 ? "length" : "chunks", "length is at least 2, chunks at least 1, or -1 for all");
        }
        return new Probe.Text(
                keys.string("name", label(files.getFirst()).replaceFirst("\\.txt$", "")),
                files.stream().map(this::resolved).toList(),
                windows,
                length,
                chunks);
    }

    /** A task with a file, or one that is made. */
    private Probe task(YamlReader keys) {
        String task = keys.string("task", "custom");
        boolean made = task.contains("(");
        String file = keys.string("file", "");
        if (file.isEmpty() != made) {
            throw keys.error("file", made ? "\"file\" does not go with a task that is made" : "\"file\" is missing");
        }
        try {
            EvaluationTask.check(task);
        } catch (InputException e) {
            throw e.at(keys.place("task"));
        }
        return new Probe.Choice(
                keys.string("name", made ? task : label(file).replaceFirst("\\.[a-z]+$", "")),
                task,
                made ? "" : resolved(file));
    }

    private Analysis analysis(List<CalibrationSetEntry> sets, String defaultSet) {
        YamlReader keys = root.mapping("analyse");
        if (keys == null) {
            return new Analysis(List.of(defaultSet), 8);
        }
        List<String> chosen = keys.strings("sets", List.of(defaultSet));
        for (String name : chosen) {
            if (sets.stream().noneMatch(set -> set.name().equals(name))) {
                throw contradiction(keys.place("sets"), "a set", name, sets);
            }
        }
        int samples = keys.integer("samples", 8);
        if (samples < 1) {
            throw keys.error("samples", "samples is " + samples + "; expected at least 1");
        }
        keys.finish();
        return new Analysis(chosen, samples);
    }
}
