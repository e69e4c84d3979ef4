package dev.halftone.study.plan;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSource;
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

        /** The options of a draw. */
        public CalibrationOptions draw(int k) {
            return new CalibrationOptions(options.source(), options.samples(), options.length(), options.seed() + k);
        }
    }

    /**
     * Which activations are looked at.
     *
     * @param sets calibration sets whose first draw is run through the full-precision models; empty for none
     * @param samples most sequences of each
     */
    public record Analysis(List<String> sets, int samples) {}
}
