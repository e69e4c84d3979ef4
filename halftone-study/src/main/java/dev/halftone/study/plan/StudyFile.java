package dev.halftone.study.plan;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.error.InputException;
import dev.halftone.recipe.Recipe;
import java.util.List;
import java.util.Optional;

/**
 * A study as its file says it, with the anchors added that no study is without: every model as it is, and rounding to nearest
 * in each of the formats.
 *
 * @param source the file's text
 * @param defaultSet the calibration set that the others are compared with
 * @param draws how often each set is drawn
 */
public record StudyFile(
        String name,
        String source,
        List<Model> models,
        List<NamedRecipe> recipes,
        List<CalibrationSetEntry> sets,
        String defaultSet,
        int draws,
        List<Probe> probes,
        Analysis analysis) {
    /**
     * How large a study is, in the place of what its file says; 0 leaves that.
     *
     * @param samples sequences of each draw
     * @param draws of each set
     * @param chunks most windows of each text, -1 for all
     */
    public record Size(int samples, int draws, int chunks) {
        /** As the file says. */
        public static final Size OF_THE_FILE = new Size(0, 0, 0);

        public Size {
            if (draws < 0 || chunks < -1) {
                throw new InputException(
                        "HT-668",
                        "",
                        "%d draws, %d windows; draws are at least 1, windows at least 1, or -1 for all"
                                .formatted(draws, chunks),
                        "");
            }
        }
    }

    /** The name of the recipe that leaves a model as it is. */
    public static final String FULL_PRECISION = "full-precision";

    /**
     * A model.
     *
     * @param label in reports
     * @param name as it is opened
     */
    public record Model(String label, String name) {}

    /**
     * A recipe.
     *
     * @param yaml empty for {@link #FULL_PRECISION}
     * @param recipe the same, read; empty likewise
     * @param anchor added, not named by the study
     */
    public record NamedRecipe(String name, String yaml, Optional<Recipe> recipe, boolean anchor) {
        /** True if the result does not depend on a calibration. */
        public boolean dataFree() {
            return recipe.map(known -> !known.needsCalibration()).orElse(true);
        }
    }

    /**
     * A calibration set.
     *
     * @param options of draw 0; draw k has seed + k
     */
    public record CalibrationSetEntry(String name, CalibrationOptions options) {
        /** True for text that nobody would write. */
        public boolean nonsense() {
            return switch (options.source()) {
                case CalibrationSource.Punctuation _,
                        CalibrationSource.Ascii _,
                        CalibrationSource.Tokens _,
                        CalibrationSource.Unigram _,
                        CalibrationSource.Shuffle _,
                        CalibrationSource.Repeat _ -> true;
                case CalibrationSource.Text _,
                        CalibrationSource.Task _,
                        CalibrationSource.Language _,
                        CalibrationSource.Self _ -> false;
            };
        }

        private CalibrationSetEntry sized(int samples) {
            return samples == 0
                    ? this
                    : new CalibrationSetEntry(
                            name, new CalibrationOptions(options.source(), samples, options.length(), options.seed()));
        }

        /** The options of a draw. */
        public CalibrationOptions draw(int k) {
            return new CalibrationOptions(options.source(), options.samples(), options.length(), options.seed() + k);
        }
    }

    /** The same in another size. */
    public StudyFile sized(Size size) {
        return new StudyFile(
                name,
                source,
                models,
                recipes,
                sets.stream().map(set -> set.sized(size.samples())).toList(),
                defaultSet,
                size.draws() == 0 ? draws : size.draws(),
                probes.stream().map(probe -> probe.sized(size.chunks())).toList(),
                analysis);
    }

    /**
     * Which activations are looked at.
     *
     * @param sets calibration sets whose first draw is run through the full-precision models; empty for none
     * @param samples most sequences of each
     */
    public record Analysis(List<String> sets, int samples) {}
}
