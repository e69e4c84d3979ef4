package dev.halftone.app;

import dev.halftone.evaluate.Estimate;
import dev.halftone.evaluate.Evaluation.Scores;
import dev.halftone.provenance.Provenance;
import java.io.PrintWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code eval --json} prints. Figures of the comparison are null without a reference, those of the text without a text;
 * {@code tasks} is empty without tasks.
 */
record EvalDocument(
        int schema,
        String model,
        @Nullable Double perplexity,
        @Nullable Double perplexityStderr,
        @Nullable String reference,
        @Nullable Double referencePerplexity,
        @Nullable Double referencePerplexityStderr,
        @Nullable Double logPerplexityRatio,
        @Nullable Double logPerplexityRatioStderr,
        @Nullable Double kl,
        @Nullable Double klStderr,
        @Nullable Double klMedian,
        @Nullable Double klP99,
        @Nullable Double klMax,
        @Nullable Double sameTop,
        @Nullable Double sameTopStderr,
        @Nullable String windows,
        @Nullable Integer length,
        @Nullable Integer chunks,
        @Nullable Integer scoredTokens,
        List<TaskDocument> tasks,
        String bos,
        String dtype,
        double bitsPerWeight,
        double bitsPerParameter,
        double seconds,
        double tokensPerSecond,
        long peakMemoryBytes,
        Provenance provenance) {
    private static final int SCHEMA = 1;

    /** The text, and how it was cut. */
    record Text(Scores scores, String windows, int length, int chunks) {}

    /** What does not depend on the text or the tasks. */
    record Run(
            String model,
            @Nullable String reference,
            String bos,
            String dtype,
            double bitsPerWeight,
            double bitsPerParameter,
            double seconds,
            double tokensPerSecond,
            long peakMemoryBytes,
            Provenance provenance) {}

    static EvalDocument of(Run run, @Nullable Text text, List<TaskDocument> tasks) {
        Scores scores = text == null ? null : text.scores();
        Scores paired = run.reference() == null ? null : scores;
        Estimate perplexity = scores == null ? null : scores.perplexity();
        Estimate referencePerplexity = paired == null ? null : paired.referencePerplexity();
        Estimate ratio = paired == null ? null : paired.logRatio();
        Estimate kl = paired == null ? null : paired.divergence();
        Estimate same = paired == null ? null : paired.agreement();
        return new EvalDocument(
                SCHEMA,
                run.model(),
                value(perplexity),
                error(perplexity),
                run.reference(),
                value(referencePerplexity),
                error(referencePerplexity),
                value(ratio),
                error(ratio),
                value(kl),
                error(kl),
                paired == null ? null : paired.klQuantile(0.5),
                paired == null ? null : paired.klQuantile(0.99),
                paired == null ? null : paired.klQuantile(1),
                value(same),
                error(same),
                text == null ? null : text.windows(),
                text == null ? null : text.length(),
                text == null ? null : text.chunks(),
                scores == null ? null : scores.nll().length,
                tasks,
                run.bos(),
                run.dtype(),
                run.bitsPerWeight(),
                run.bitsPerParameter(),
                run.seconds(),
                run.tokensPerSecond(),
                run.peakMemoryBytes(),
                run.provenance());
    }

    private static @Nullable Double value(@Nullable Estimate estimate) {
        return estimate == null ? null : estimate.value();
    }

    private static @Nullable Double error(@Nullable Estimate estimate) {
        return estimate == null ? null : estimate.error();
    }

    /** As a table. */
    void print(PrintWriter out) {
        if (perplexity != null) {
            out.printf("perplexity      %.4f +/- %.4f%n", perplexity, perplexityStderr);
        }
        if (referencePerplexity != null) {
            out.printf("  of reference  %.4f +/- %.4f%n", referencePerplexity, referencePerplexityStderr);
            out.printf("  ln ratio      %.5f +/- %.5f%n", logPerplexityRatio, logPerplexityRatioStderr);
            out.printf("KL divergence   %.5f +/- %.5f%n", kl, klStderr);
            out.printf("  median, 99 %%  %.5f, %.5f%n", klMedian, klP99);
        }
        if (sameTop != null && sameTopStderr != null) {
            out.printf("same top token  %.2f %% +/- %.2f %%%n", 100 * sameTop, 100 * sameTopStderr);
        }
        if (windows != null) {
            out.printf(
                    "windows         %s, %d of %d tokens, %d tokens scored%n", windows, chunks, length, scoredTokens);
        }
        tasks.forEach(task -> task.print(out));
        out.printf("computed in     %s, BOS %s%n", dtype, bos);
        out.printf("size            %.3f bits per weight, %.3f per parameter%n", bitsPerWeight, bitsPerParameter);
        out.printf(
                "time            %.1f s, %.0f tokens/s, peak memory %.2f GB%n",
                seconds, tokensPerSecond, peakMemoryBytes / 1e9);
        out.flush();
    }
}
