package dev.halftone.study.plan;

import dev.halftone.evaluate.Estimate;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of a cell.
 *
 * @param failure null if it was measured
 * @param packed the model that was measured; null if it could not be made
 * @param text of a text probe
 * @param choice of a task
 * @param evaluateSeconds that the measurement took
 */
public record CellResult(
        String cell,
        @Nullable Failure failure,
        @Nullable Packed packed,
        @Nullable Text text,
        @Nullable Choice choice,
        double evaluateSeconds)
        implements Serializable {
    /** An error code and its message. */
    public record Failure(String code, String message) implements Serializable {}

    /**
     * The packed model as it was read back.
     *
     * @param bitsPerWeight stored bits per weight of the linears
     * @param bytes of its files
     * @param techniques what was done, such as "gptq int3 g64 asym"
     * @param fellBack a step fell back to a weaker method without the recipe's leave
     * @param provenance JSON
     */
    public record Packed(
            double bitsPerWeight,
            double bitsPerParameter,
            long bytes,
            String techniques,
            double quantizeSeconds,
            long peakMemoryBytes,
            boolean fellBack,
            int events,
            String provenance)
            implements Serializable {}

    /** A mean and its standard error: {@link Estimate} for the wire. */
    public record Figure(double value, double error) implements Serializable {
        public static Figure of(Estimate estimate) {
            return new Figure(estimate.value(), estimate.error());
        }
    }

    /**
     * Of a text.
     *
     * @param klMedian over the positions
     * @param referenceError divergence of the stored reference distributions from the model's: what 16 bits cost
     * @param scored positions of each window
     * @param nll mean of each window's negative log-likelihoods
     * @param klOf mean of each window's divergences
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Text(
            Figure perplexity,
            Figure kl,
            double klMedian,
            double kl99,
            Figure sameTop,
            double referenceError,
            int[] scored,
            double[] nll,
            double[] klOf)
            implements Serializable {}

    /**
     * Of a task. A dialogue has no right answers: its items are the turns, {@code right} is chrF with what the full-precision model
     * answers, {@code rightNorm} is 1 where the tokens are the same.
     *
     * @param accuracyNorm null where answers were generated
     * @param chance accuracy of guessing: mean of 1 / choices, 0 for what is written
     * @param right 1 or 0 by item, or a share
     * @param rightNorm the same with log-likelihoods divided by the choices' lengths; empty where answers were generated
     * @param margin by item: log-likelihood of the right choice minus the best wrong one's; of a cloze, its
     *     log-likelihood; empty where answers were generated
     * @param answers that were generated, by item; else empty
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Choice(
            Figure accuracy,
            @Nullable Figure accuracyNorm,
            double chance,
            double[] right,
            double[] rightNorm,
            double[] margin,
            List<String> answers)
            implements Serializable {}

    /** Of a cell that could not be measured. */
    public static CellResult failed(String cell, String code, String message, @Nullable Packed packed) {
        return new CellResult(cell, new Failure(code, message), packed, null, null, 0);
    }
}
