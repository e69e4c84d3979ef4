package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.format.ModelFile;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.SiteReport.EventReport;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@link Quantizer} returns.
 *
 * @param evidence what is also written beside the model; the same for equal inputs
 * @param phases seconds by phase: load, forward, statistics, transform, solve, evidence, pack, save, distill
 * @param seconds of all phases and what lies between them
 * @param blockSeconds of each block that this run did something to, in the order of the model
 * @param peakMemoryBytes of the process so far, 0 where the system does not tell
 * @param fellBack a step fell back to a weaker method without the recipe's leave
 */
public record QuantizationResult(
        Evidence evidence,
        Map<String, Double> phases,
        double seconds,
        List<Double> blockSeconds,
        long peakMemoryBytes,
        boolean fellBack) {
    public QuantizationResult {
        blockSeconds = List.copyOf(blockSeconds);
    }

    /**
     * What the run would have taken had all blocks been its work: a recipe for some blocks, or a resumed run, tells the time of the
     * whole model.
     *
     * @param blocks of the model
     */
    public double projectedSeconds(int blocks) {
        double sum = blockSeconds.stream().mapToDouble(Double::doubleValue).sum();
        return blockSeconds.isEmpty() ? seconds : seconds - sum + sum / blockSeconds.size() * blocks;
    }

    /**
     * The part that depends on the inputs alone.
     *
     * @param schema version of this document
     * @param bitsPerWeight stored bits per weight of the linears, as read back
     * @param bitsPerParameter stored bits per parameter of the whole model, as read back
     * @param calibration what the calibration read; null where the recipe needs none
     * @param cache how keys and values are quantized, as read back; null where they are not
     * @param transforms what was done to channels, in that order
     * @param reconstructions blocks whose weights were trained
     * @param distillation training of the scales of the whole model; null where there was none
     * @param experts calibration tokens of every expert; empty where there are none
     */
    public record Evidence(
            int schema,
            String recipe,
            double bitsPerWeight,
            double bitsPerParameter,
            CalibrationSet.@Nullable Report calibration,
            @Nullable CacheReport cache,
            List<TransformReport> transforms,
            List<ReconstructionReport> reconstructions,
            @Nullable DistillationReport distillation,
            List<ExpertCoverage> experts,
            List<SiteReport> sites,
            List<EventReport> events,
            Provenance provenance) {}

    /**
     * Quantized keys and values; simulated: the rounded values go into attention's float products.
     *
     * @param format each format with the number of its sites
     * @param bitsPerElement of all keys and values, steps and zero points included, 16 for what is not quantized
     */
    public record CacheReport(String format, double bitsPerElement) {
        static CacheReport of(ModelFile model) {
            return new CacheReport(
                    model.cache().label() + ", simulated", model.cache().bitsPerElement(model.spec()));
        }
    }

    /**
     * Training of a block: mean squared differences of its output from the original's, on all calibration sequences.
     *
     * @param iterations that were run
     * @param kept the one before which the kept parameters were met; 0 if they are the solvers'
     * @param before with what the solvers made
     * @param after with what is stored
     */
    public record ReconstructionReport(
            int block, String method, int iterations, int kept, double before, double after) {}

    /**
     * Training of the scales of the whole model: mean KL(original || quantized) of the tokens of calibration sequences that were held out.
     *
     * @param weights whose scales were trained
     * @param steps that were taken
     * @param heldOut sequences
     * @param before with the scales of the other steps
     * @param after with what is stored
     */
    public record DistillationReport(int weights, int steps, int heldOut, double before, double after) {}

    /**
     * How calibration covered the experts of a block.
     *
     * @param perToken experts that a token gets: tokens add up to this times the calibration tokens
     * @param tokens by the number of the expert
     */
    public record ExpertCoverage(int block, int perToken, List<Long> tokens) {}

    /**
     * Channels that were scaled: x' = x / s.
     *
     * @param site the input
     * @param folded into what makes the input; else it is divided while the model runs
     * @param smallestScale of s
     * @param largestScale of s
     * @param reason why it was not folded, or why nothing was scaled at all; empty where it was folded
     */
    public record TransformReport(
            String site, String method, boolean folded, double smallestScale, double largestScale, String reason) {}
}
