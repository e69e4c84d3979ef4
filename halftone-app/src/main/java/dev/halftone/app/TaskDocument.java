package dev.halftone.app;

import dev.halftone.evaluate.ChoiceScores.Norm;
import dev.halftone.evaluate.ChoiceScoring;
import dev.halftone.evaluate.ChoiceTasks;
import dev.halftone.evaluate.Estimate;
import dev.halftone.evaluate.GenerationScores;
import dev.halftone.evaluate.GenerationTasks;
import dev.halftone.evaluate.PairedAccuracy;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;

/**
 * A task in {@code --json}. Null are the normalised accuracies of a cloze, the perplexity of anything else, and the comparison
 * without a reference.
 *
 * @param acc of a cloze: the share that greedy decoding solves
 * @param perplexity exp of the mean negative log-likelihood of a target, per item
 * @param truncated options whose context lost its beginning because the model reads fewer tokens
 * @param sameAnswer share of generated answers that are the reference's, token by token
 * @param agreedTokens tokens before the first that differs, mean over the answers
 * @param chrf of the answers, with the reference's as the right ones
 * @param accDifference acc minus the reference's; the flips and McNemar's test are about acc, too
 */
record TaskDocument(
        String name,
        String kind,
        int items,
        @Nullable Double acc,
        @Nullable Double accStderr,
        @Nullable Double accNorm,
        @Nullable Double accNormStderr,
        @Nullable Double accBytes,
        @Nullable Double accBytesStderr,
        @Nullable Double perplexity,
        @Nullable Double perplexityStderr,
        int truncated,
        @Nullable Double referenceAcc,
        @Nullable Double referenceAccStderr,
        @Nullable Double referencePerplexity,
        @Nullable Double accDifference,
        @Nullable Double accDifferenceStderr,
        @Nullable Integer flipsToWrong,
        @Nullable Integer flipsToRight,
        @Nullable Double mcnemarP,
        @Nullable Double sameAnswer,
        @Nullable Double sameAnswerStderr,
        @Nullable Double agreedTokens,
        @Nullable Double agreedTokensStderr,
        @Nullable Double chrf,
        @Nullable Double chrfStderr) {

    static TaskDocument of(ChoiceTasks.Task task, ChoiceScoring.Result result) {
        boolean cloze = task.cloze();
        Estimate acc = result.model().accuracy(Norm.NONE);
        Estimate norm = cloze ? null : result.model().accuracy(Norm.CHARACTERS);
        Estimate bytes = cloze ? null : result.model().accuracy(Norm.BYTES);
        Estimate perplexity = cloze ? result.model().perplexity() : null;
        Estimate reference =
                result.reference() == null ? null : result.reference().accuracy(Norm.NONE);
        Estimate referencePerplexity =
                result.reference() == null || !cloze ? null : result.reference().perplexity();
        PairedAccuracy paired = result.reference() == null
                ? null
                : PairedAccuracy.of(
                        result.model().right(Norm.NONE), result.reference().right(Norm.NONE));
        return new TaskDocument(
                task.name(),
                task.kind(),
                task.items().size(),
                acc.value(),
                acc.error(),
                value(norm),
                error(norm),
                value(bytes),
                error(bytes),
                value(perplexity),
                error(perplexity),
                result.truncated(),
                value(reference),
                error(reference),
                value(referencePerplexity),
                paired == null ? null : paired.difference().value(),
                paired == null ? null : paired.difference().error(),
                paired == null ? null : paired.flipsToWrong(),
                paired == null ? null : paired.flipsToRight(),
                paired == null ? null : paired.mcnemarP(),
                null,
                null,
                null,
                null,
                null,
                null);
    }

    /** Of answers that were generated; a share that is no 0 or 1 has no flips and no test of them. */
    static TaskDocument of(GenerationTasks.Task task, GenerationScores own, @Nullable GenerationScores other) {
        Estimate acc = task.open() ? null : own.accuracy();
        Estimate reference = task.open() || other == null ? null : other.accuracy();
        PairedAccuracy paired =
                reference == null || other == null ? null : PairedAccuracy.of(own.right(), other.right());
        GenerationScores.Agreement agreement = other == null ? null : own.agreement(other);
        return new TaskDocument(
                task.name(),
                task.kind(),
                task.items().size(),
                value(acc),
                error(acc),
                null,
                null,
                null,
                null,
                null,
                null,
                own.truncated(),
                value(reference),
                error(reference),
                null,
                paired == null ? null : paired.difference().value(),
                paired == null ? null : paired.difference().error(),
                paired == null ? null : paired.flipsToWrong(),
                paired == null ? null : paired.flipsToRight(),
                paired == null ? null : paired.mcnemarP(),
                agreement == null ? null : agreement.same().value(),
                agreement == null ? null : agreement.same().error(),
                agreement == null ? null : agreement.agreed().value(),
                agreement == null ? null : agreement.agreed().error(),
                agreement == null ? null : agreement.chrf().value(),
                agreement == null ? null : agreement.chrf().error());
    }

    private static @Nullable Double value(@Nullable Estimate estimate) {
        return estimate == null ? null : estimate.value();
    }

    private static @Nullable Double error(@Nullable Estimate estimate) {
        return estimate == null ? null : estimate.error();
    }

    /** As a few lines of a table. */
    void print(PrintWriter out) {
        out.printf("task            %s (%s), %d items%n", name, kind, items);
        if (acc != null && accStderr != null) {
            share(out, "acc", acc, accStderr);
        }
        if (accNorm != null && accNormStderr != null) {
            share(out, "acc_norm", accNorm, accNormStderr);
        }
        if (accBytes != null && accBytesStderr != null) {
            share(out, "acc_bytes", accBytes, accBytesStderr);
        }
        if (perplexity != null) {
            out.printf("  %-13s %.4f +/- %.4f per item%n", "perplexity", perplexity, perplexityStderr);
        }
        if (truncated > 0) {
            out.printf("  %-13s %d contexts lost their beginning%n", "truncated", truncated);
        }
        if (referenceAcc != null && referenceAccStderr != null) {
            share(out, "of reference", referenceAcc, referenceAccStderr);
        }
        if (accDifference != null && accDifferenceStderr != null) {
            share(out, "difference", accDifference, accDifferenceStderr);
            out.printf(
                    "  %-13s %d to wrong, %d to right, McNemar p %.4f%n",
                    "flips", flipsToWrong, flipsToRight, mcnemarP);
        }
        printAgreement(out);
    }

    private void printAgreement(PrintWriter out) {
        if (sameAnswer != null && sameAnswerStderr != null) {
            share(out, "same answer", sameAnswer, sameAnswerStderr);
            out.printf(
                    "  %-13s %.1f +/- %.1f tokens before the first that differs%n",
                    "agreed", agreedTokens, agreedTokensStderr);
            out.printf("  %-13s %.4f +/- %.4f%n", "chrF", chrf, chrfStderr);
        }
    }

    private static void share(PrintWriter out, String label, double value, double error) {
        out.printf("  %-13s %.2f %% +/- %.2f %%%n", label, 100 * value, 100 * error);
    }
}
