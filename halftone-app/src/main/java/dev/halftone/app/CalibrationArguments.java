package dev.halftone.app;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSource;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the commands that read calibration sequences; what is absent comes from a recipe or the command's defaults. */
final class CalibrationArguments {
    @Option(names = "--calibration", paramLabel = "FILE", description = "calibration text; overrides the recipe's")
    private @Nullable Path calibration;

    @Option(
            names = "--calibration-source",
            paramLabel = "NAME",
            description =
                    "where calibration sequences come from: text (default), punctuation, ascii, tokens, repeat, self; or"
                            + " unigram, shuffle, task, language, which read the FILE of --calibration")
    private @Nullable String source;

    @Option(
            names = "--samples",
            paramLabel = "N",
            description = "calibration sequences (default: the recipe's, else 128; outliers: 32)")
    private @Nullable Integer samples;

    @Option(names = "--length", paramLabel = "N", description = "tokens per sequence (default: the recipe's, else 512)")
    private @Nullable Integer length;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "seed of all that is drawn (default: the recipe's, else 1)")
    private @Nullable Long seed;

    /** The options with what the user said in the place of what was there. */
    CalibrationOptions over(CalibrationOptions absent) {
        return new CalibrationOptions(
                absent.source().overridden(source, calibration == null ? List.of() : List.of(calibration)),
                samples == null ? absent.samples() : samples,
                length == null ? absent.length() : length,
                seed == null ? absent.seed() : seed);
    }

    /** False for a text that nobody has named: it is no calibration. */
    static boolean given(CalibrationOptions options) {
        return !(options.source() instanceof CalibrationSource.Text text
                && text.files().isEmpty());
    }

    /** Says where there are fewer sequences than were asked for. */
    static void tell(CalibrationSet set, PrintWriter err) {
        if (set.report().samples() < set.report().requested()) {
            err.printf(
                    "halftone: the calibration has %d sequences; %d were asked for%n",
                    set.report().samples(), set.report().requested());
        }
    }
}
