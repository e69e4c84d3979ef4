package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.calibration.CalibrationSource.Ascii;
import dev.halftone.calibration.CalibrationSource.Language;
import dev.halftone.calibration.CalibrationSource.Mode;
import dev.halftone.calibration.CalibrationSource.Punctuation;
import dev.halftone.calibration.CalibrationSource.Repeat;
import dev.halftone.calibration.CalibrationSource.Self;
import dev.halftone.calibration.CalibrationSource.Shuffle;
import dev.halftone.calibration.CalibrationSource.Task;
import dev.halftone.calibration.CalibrationSource.Text;
import dev.halftone.calibration.CalibrationSource.Tokens;
import dev.halftone.calibration.CalibrationSource.Unigram;
import dev.halftone.yaml.YamlReader;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The {@code calibration} mapping of a recipe: every source has its own keys, and another source's are refused. */
public final class CalibrationKeys {
    private CalibrationKeys() {}

    /** Reads the whole mapping; samples, length and seed that are absent are those of {@code absent}. */
    public static CalibrationOptions read(YamlReader reader, CalibrationOptions absent) {
        CalibrationSource source = source(reader);
        CalibrationOptions options = new CalibrationOptions(
                source,
                reader.integer("samples", absent.samples()),
                reader.integer("length", absent.length()),
                reader.wide("seed", absent.seed()));
        reader.finish();
        return options;
    }

    private static CalibrationSource source(YamlReader reader) {
        String name = reader.string("source", "text");
        if (!CalibrationSource.NAMES.contains(name)) {
            throw reader.error(
                    "source", "source is \"" + name + "\"; known are " + String.join(", ", CalibrationSource.NAMES));
        }
        return switch (CalibrationSource.named(name)) {
            case Text _ -> new Text(mode(reader), files(reader, "text"));
            case Unigram _ -> new Unigram(files(reader, "text"));
            case Shuffle _ -> new Shuffle(files(reader, "text"));
            case Task _ -> new Task(files(reader, "task"), reader.flag("leak", false));
            case Language _ -> new Language(files(reader, "language"));
            case Repeat _ -> new Repeat(token(reader));
            case Punctuation source -> source;
            case Ascii source -> source;
            case Tokens source -> source;
            case Self source -> source;
        };
    }

    private static Mode mode(YamlReader reader) {
        String name = reader.string("mode", Mode.FIRST.label());
        return Arrays.stream(Mode.values())
                .filter(mode -> mode.label().equals(name))
                .findFirst()
                .orElseThrow(() -> reader.error(
                        "mode",
                        "mode is \"" + name + "\"; known are "
                                + Arrays.stream(Mode.values()).map(Mode::label).collect(Collectors.joining(", "))));
    }

    private static int token(YamlReader reader) {
        int token = reader.integer("token", -1);
        if (token < 0 && reader.has("token")) {
            throw reader.error("token", "token is " + token + "; expected a token id");
        }
        return token;
    }

    private static List<Path> files(YamlReader reader, String key) {
        return reader.strings(key, List.of()).stream().map(Path::of).toList();
    }
}
