package dev.halftone.app;

import dev.halftone.evaluate.Estimate;
import dev.halftone.evaluate.Scores;
import dev.halftone.provenance.Provenance;
import java.io.PrintWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code eval --json} prints. Figures of the comparison are null without a reference, those of the text without a text;
 * {@code tasks} is empty without tasks. {@code flips} count scored positions where one of the two predicts the token that follows and the other does not.
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
        @Nullable Integer flipsToWrong,
        @Nullable Integer flipsToRight,
        @Nullable ReferenceFile referenceFile,
        @Nullable Against against,
        @Nullable SavedLogits savedLogits,
        @Nullable String windows,
        @Nullable Integer length,
        @Nullable Integer chunks,
        @Nullable Integer scoredTokens,
        List<TaskDocument> tasks,
        String bos,
        String dtype,
        String device,
        double bitsPerWeight,
        double bitsPerParameter,
        @Nullable String cache,
        @Nullable Double cacheBitsPerElement,
        double seconds,
        double openingSeconds,
        double tokensPerSecond,
        long peakMemoryBytes,
        Provenance provenance) {
    private static final int SCHEMA = 1;

    /**
     * How coarse a reference is that came from a file.
     *
     * @param step largest distance of neighbouring log-probabilities, in nats
     * @param mass largest distance of a row's sum of probabilities from 1
     */
    record ReferenceFile(double step, double mass) {}

    /** Another model on the same positions; differences are the model's figure minus this one's, with paired errors. */
    record Against(
            String model,
            double perplexity,
            double perplexityStderr,
            double logPerplexityDifference,
            double logPerplexityDifferenceStderr,
            @Nullable Double kl,
            @Nullable Double klStderr,
            @Nullable Double klDifference,
            @Nullable Double klDifferenceStderr) {
        static Against of(String model, Scores own, Scores other) {
            Estimate perplexity = other.perplexity();
            Estimate ratio = Estimate.difference(own.nll(), other.nll());
            boolean paired = other.kl().length > 0;
            Estimate kl = paired ? other.divergence() : null;
            Estimate difference = paired ? Estimate.difference(own.kl(), other.kl()) : null;
            return new Against(
                    model,
                    perplexity.value(),
                    perplexity.error(),
                    ratio.value(),
                    ratio.error(),
                    EvalDocument.value(kl),
                    EvalDocument.error(kl),
                    EvalDocument.value(difference),
                    EvalDocument.error(difference));
        }
    }

    /** What {@code --save-logits} wrote; kl is the divergence of what the file holds from what the model gave. */
    record SavedLogits(String file, long bytes, double kl, double klStderr) {}

    /** The text, and how it was cut. */
    record Text(
            Scores scores,
            @Nullable ReferenceFile referenceFile,
            @Nullable Against against,
            @Nullable SavedLogits savedLogits,
            String windows,
            int length,
            int chunks) {}

    /**
     * Times of a run.
     *
     * @param seconds of all of it
     * @param opening of them: libraries, checkpoint, tokenizer, the text's tokens, embedding and head
     * @param tokens run through a model
     */
    record Took(double seconds, double opening, long tokens) {
        /** Of the evaluation, without the opening. */
        double tokensPerSecond() {
            return tokens / (seconds - opening);
        }
    }

    /**
     * What does not depend on the text or the tasks.
     *
     * @param cache how keys and values are quantized; null where they are not
     */
    record Run(
            String model,
            @Nullable String reference,
            String bos,
            String dtype,
            String device,
            double bitsPerWeight,
            double bitsPerParameter,
            @Nullable String cache,
            @Nullable Double cacheBitsPerElement,
            Took took,
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
                paired == null ? null : paired.flipsToWrong(),
                paired == null ? null : paired.flipsToRight(),
                text == null ? null : text.referenceFile(),
                text == null ? null : text.against(),
                text == null ? null : text.savedLogits(),
                text == null ? null : text.windows(),
                text == null ? null : text.length(),
                text == null ? null : text.chunks(),
                scores == null ? null : scores.nll().length,
                tasks,
                run.bos(),
                run.dtype(),
                run.device(),
                run.bitsPerWeight(),
                run.bitsPerParameter(),
                run.cache(),
                run.cacheBitsPerElement(),
                run.took().seconds(),
                run.took().opening(),
                run.took().tokensPerSecond(),
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
            out.printf("right tokens    %d lost, %d won%n", flipsToWrong, flipsToRight);
        }
        if (referenceFile != null) {
            out.printf(
                    "reference file  steps of %.2g nats, probabilities sum to 1 within %.2g%n",
                    referenceFile.step(), referenceFile.mass());
        }
        if (against != null) {
            printAgainst(out, against);
        }
        if (savedLogits != null) {
            out.printf(
                    "saved logits    %.1f MB, KL of the file from the model %.2g +/- %.2g%n",
                    savedLogits.bytes() / 1e6, savedLogits.kl(), savedLogits.klStderr());
        }
        if (windows != null) {
            out.printf(
                    "windows         %s, %d of %d tokens, %d tokens scored%n", windows, chunks, length, scoredTokens);
        }
        tasks.forEach(task -> task.print(out));
        out.printf("computed in     %s on %s, BOS %s%n", dtype, device, bos);
        out.printf("size            %.3f bits per weight, %.3f per parameter%n", bitsPerWeight, bitsPerParameter);
        if (cache != null) {
            out.printf("keys, values    %s, %.3f bits per element%n", cache, cacheBitsPerElement);
        }
        out.printf(
                "time            %.1f s, %.1f of them to open; then %.0f tokens/s; peak memory %.2f GB%n",
                seconds, openingSeconds, tokensPerSecond, peakMemoryBytes / 1e9);
        out.flush();
    }

    private static void printAgainst(PrintWriter out, Against against) {
        out.printf("against         %s%n", against.model());
        out.printf("  perplexity    %.4f +/- %.4f%n", against.perplexity(), against.perplexityStderr());
        out.printf(
                "  ln ratio      %.5f +/- %.5f%n",
                against.logPerplexityDifference(), against.logPerplexityDifferenceStderr());
        if (against.kl() != null) {
            out.printf("  KL divergence %.5f +/- %.5f%n", against.kl(), against.klStderr());
            out.printf("  difference    %.5f +/- %.5f%n", against.klDifference(), against.klDifferenceStderr());
        }
    }
}
