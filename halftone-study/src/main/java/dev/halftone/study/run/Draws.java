package dev.halftone.study.run;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.study.plan.Hashes;
import dev.halftone.tensor.Workers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/** Calibration draws that are kept: a file each, {"report": {...}, "sequences": [[ids], ...]}, a sequence a line. */
final class Draws {
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    private final StudyDirectory directory;
    private final String code;
    private final Workers workers;

    Draws(StudyDirectory directory, String code, Workers workers) {
        this.directory = directory;
        this.code = code;
        this.workers = workers;
    }

    /** A draw and its file's name. */
    record Draw(String key, CalibrationSet set) {}

    private record File(CalibrationSet.Report report, List<int[]> sequences) {}

    /** The draw of these options, from its file if it was drawn before. */
    Draw get(ModelFile model, String modelHash, String tokenizer, CalibrationOptions options) {
        String key = Hashes.of(
                "draw",
                code,
                modelHash,
                tokenizer,
                options.source().name(),
                String.valueOf(options.source().variant()),
                Hashes.files(
                        options.source().files().stream().map(Path::toString).toList()),
                "%d %d %d".formatted(options.samples(), options.length(), options.seed()));
        Path file = directory.draw(key);
        if (Files.isRegularFile(file)) {
            return new Draw(key, read(file));
        }
        CalibrationSet set = CalibrationSets.draw(options, model, workers);
        String sequences =
                set.sequences().stream().map(JSON::writeValueAsString).collect(Collectors.joining(",\n"));
        String text = "{\"report\":%s,\n\"sequences\":[\n%s\n]}\n"
                .formatted(JSON.writeValueAsString(set.report()), sequences);
        StudyDirectory.replace(file, text.getBytes(StandardCharsets.UTF_8));
        return new Draw(key, set);
    }

    /**
     * Reads a draw.
     *
     * @throws InputException HT-667 if the file is no draw
     */
    static CalibrationSet read(Path file) {
        try {
            File draw = JSON.readValue(file.toFile(), File.class);
            return new CalibrationSet(draw.sequences(), draw.report());
        } catch (JacksonException e) {
            throw new InputException(
                    "HT-667",
                    file.toString(),
                    "is no draw: " + e.getOriginalMessage(),
                    "delete it and run the study again");
        }
    }
}
