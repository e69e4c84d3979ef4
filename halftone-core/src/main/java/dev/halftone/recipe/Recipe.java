package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.format.CacheFormat;
import dev.halftone.format.InputFormat;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.gguf.Mixture;
import dev.halftone.model.LinearSite;
import dev.halftone.reconstruct.BlockReconstruction;
import dev.halftone.reconstruct.Distillation;
import dev.halftone.solver.BlockFill;
import dev.halftone.solver.WeightSolver;
import dev.halftone.transform.ChannelScaling;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a user asks for, read and checked, but not yet compared with a model.
 *
 * @param name built-in name or file
 * @param source the YAML text: hashed into the result's provenance
 * @param calibration the command line may change it; a text's files may still have to be named
 * @param steps that quantize weights
 * @param blocks steps that fill blocks of GGUF types
 * @param inputs steps that quantize what the linears read
 * @param caches steps that quantize keys and values
 * @param transforms that come first, in this order
 * @param reconstructions steps that train what the other steps made of a block
 * @param distillation training of the whole quantized model, behind everything else; null for none
 * @param propagateQuantized statistics are of the inputs that the already quantized blocks give, not of the original model's
 * @param fallbackAllowed a step may fall back to a weaker method without failing the run
 * @param experts what happens to experts that calibration hardly reaches
 */
public record Recipe(
        String name,
        String source,
        CalibrationOptions calibration,
        List<WeightStep> steps,
        List<BlockStep> blocks,
        List<InputStep> inputs,
        List<CacheStep> caches,
        List<TransformStep> transforms,
        List<ReconstructionStep> reconstructions,
        @Nullable DistillationStep distillation,
        boolean propagateQuantized,
        boolean fallbackAllowed,
        ExpertPolicy experts) {
    /**
     * Quantize weights.
     *
     * @param place where the step stands, for messages
     * @param targets globs over the names of linear weights; the last step that matches a weight counts
     */
    public record WeightStep(String place, WeightSolver solver, NumberFormat format, List<String> targets) {
        /** True if one of the targets matches. */
        public boolean matches(LinearSite site) {
            return Recipe.matches(targets, site);
        }
    }

    /**
     * Fill blocks of GGUF types.
     *
     * @param mixture which type each weight gets
     * @param targets globs over the names of linear weights; the last step that matches a weight counts
     */
    public record BlockStep(String place, BlockFill solver, Mixture mixture, List<String> targets) {
        /** True if one of the targets matches. */
        public boolean matches(LinearSite site) {
            return Recipe.matches(targets, site);
        }

        /** The same for embedding and head. */
        boolean matchesOuter(String tensor) {
            return Recipe.matches(targets, tensor);
        }
    }

    /**
     * Quantize the inputs of linears.
     *
     * @param targets globs over the names of the linears' weights; the last step that matches counts
     */
    public record InputStep(String place, InputFormat format, List<String> targets) {
        /** True if one of the targets matches. */
        public boolean matches(LinearSite site) {
            return Recipe.matches(targets, site);
        }
    }

    /**
     * Quantize what attention keeps of the tokens it has seen.
     *
     * @param targets globs over the names of keys and values, such as {@code model.layers.0.attention.k}; the last step that
     *     matches counts
     */
    public record CacheStep(String place, CacheFormat format, List<String> targets) {
        /** True if one of the targets matches. */
        public boolean matches(String site) {
            return Recipe.matches(targets, site);
        }
    }

    /**
     * Scale channels.
     *
     * @param targets globs over the names of the weights that read them
     */
    public record TransformStep(String place, ChannelScaling scaling, List<String> targets) {
        /** True if one of the targets matches. */
        public boolean matches(LinearSite site) {
            return Recipe.matches(targets, site);
        }
    }

    /**
     * Train the rounding of a block's weights (arXiv:2309.05516).
     *
     * @param targets globs over the names of weights that other steps quantize
     */
    public record ReconstructionStep(String place, BlockReconstruction.Options options, List<String> targets) {
        /** True if one of the targets matches. */
        public boolean matches(LinearSite site) {
            return Recipe.matches(targets, site);
        }
    }

    /**
     * Train the scales of the quantized model until its next-token distributions are the original's.
     *
     * @param targets globs over the names of weights that other steps quantize
     */
    public record DistillationStep(String place, Distillation.Options options, List<String> targets) {
        /** True if one of the targets matches. */
        public boolean matches(LinearSite site) {
            return Recipe.matches(targets, site);
        }
    }

    /** {@code *} stands for any characters, but a router is meant only by a glob that ends with its name. */
    private static boolean matches(List<String> globs, LinearSite site) {
        String weight = site.weight();
        int name = weight.length() - weight.lastIndexOf('.', weight.length() - ".weight".length() - 1) - 1;
        return globs.stream()
                .filter(glob -> site.part() != LinearSite.Part.ROUTER || glob.length() - glob.lastIndexOf('*') > name)
                .anyMatch(glob -> weight.matches(regex(glob)));
    }

    private static boolean matches(List<String> globs, String name) {
        return globs.stream().anyMatch(glob -> name.matches(regex(glob)));
    }

    private static String regex(String glob) {
        return Pattern.compile("[^*]+")
                .matcher(glob)
                .replaceAll(literal -> Matcher.quoteReplacement(Pattern.quote(literal.group())))
                .replace("*", ".*");
    }

    /** True if some step needs calibration. */
    public boolean needsCalibration() {
        return !transforms.isEmpty()
                || !blocks.isEmpty()
                || !reconstructions.isEmpty()
                || distillation != null
                || steps.stream().anyMatch(step -> step.solver().needsData())
                || inputs.stream().anyMatch(step -> step.format().granularity() == InputFormat.Granularity.STATIC);
    }
}
