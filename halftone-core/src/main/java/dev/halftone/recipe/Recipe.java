package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.format.IntGroup;
import dev.halftone.solver.WeightSolver;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a user asks for, read and checked, but not yet compared with a model.
 *
 * @param name built-in name or file
 * @param source the YAML text: hashed into the result's provenance
 * @param calibration the command line may change it; a text's files may still have to be named
 * @param fallbackAllowed a step may fall back to a weaker method without failing the run
 */
public record Recipe(
        String name, String source, CalibrationOptions calibration, List<WeightStep> steps, boolean fallbackAllowed) {
    /**
     * Quantize weights.
     *
     * @param place where the step stands, for messages
     * @param targets globs over the names of linear weights; the last step that matches a weight counts
     */
    public record WeightStep(String place, WeightSolver solver, IntGroup format, List<String> targets) {
        /** True if one of the targets matches; {@code *} stands for any characters. */
        public boolean matches(String weight) {
            return targets.stream().anyMatch(glob -> weight.matches(glob(glob)));
        }

        private static String glob(String pattern) {
            return Pattern.compile("[^*]+")
                    .matcher(pattern)
                    .replaceAll(literal -> Matcher.quoteReplacement(Pattern.quote(literal.group())))
                    .replace("*", ".*");
        }
    }

    /** True if some step needs calibration. */
    public boolean needsCalibration() {
        return steps.stream().anyMatch(step -> step.solver().needsGram());
    }
}
