package dev.halftone.evaluate;

import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.model.Decoder;
import dev.halftone.tensor.Workers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Log-likelihoods of the options of many items, of a model and, on the same tokens, of a reference. Items go through the model
 * in batches of so many tokens that loading its blocks costs little beside computing them, and activations still fit into memory.
 * Every sequence is computed by itself, without padding: results do not depend on the batches.
 */
public final class ChoiceScoring {
    private static final int BATCH_TOKENS = 1 << 16;

    private ChoiceScoring() {}

    /**
     * What was computed.
     *
     * @param reference null without one
     * @param truncated options whose context lost its beginning because it was too long for the model
     * @param tokens of all options, contexts included
     */
    public record Result(ChoiceScores model, @Nullable ChoiceScores reference, int truncated, long tokens) {}

    /** Scores all options of all items. */
    public static Result run(
            Decoder model,
            @Nullable Decoder reference,
            ChoiceEncoder encoder,
            List<ChoiceItem> items,
            Workers workers,
            Path spill,
            Evaluation.Progress progress) {
        return run(model, reference, encoder, items, workers, spill, progress, BATCH_TOKENS);
    }

    static Result run(
            Decoder model,
            @Nullable Decoder reference,
            ChoiceEncoder encoder,
            List<ChoiceItem> items,
            Workers workers,
            Path spill,
            Evaluation.Progress progress,
            int batchTokens) {
        List<Window> windows = new ArrayList<>();
        int truncated = 0;
        long tokens = 0;
        for (ChoiceItem item : items) {
            for (ChoiceItem.Option option : item.options()) {
                ChoiceEncoder.Encoded encoded = encoder.encode(option, item.place());
                windows.add(encoded.window());
                truncated += encoded.truncated() > 0 ? 1 : 0;
                tokens += encoded.window().tokens().length;
            }
        }
        Collected own = new Collected(windows.size());
        Collected other = new Collected(windows.size());
        List<List<Window>> batches = batches(windows, batchTokens);
        for (int b = 0; b < batches.size(); b++) {
            List<Window> batch = batches.get(b);
            int before = b;
            Scores scores = Evaluation.run(model, reference, batch, workers, spill, (done, total) -> {
                progress.update(before * total + done, batches.size() * total);
            });
            own.add(batch, scores.nll(), scores.hit());
            if (reference != null) {
                other.add(batch, scores.referenceNll(), scores.referenceHit());
            }
        }
        return new Result(own.scores(items), reference == null ? null : other.scores(items), truncated, tokens);
    }

    private static List<List<Window>> batches(List<Window> windows, int most) {
        List<List<Window>> batches = new ArrayList<>();
        int start = 0;
        long tokens = 0;
        for (int i = 0; i < windows.size(); i++) {
            int length = windows.get(i).tokens().length;
            if (i > start && tokens + length > most) {
                batches.add(windows.subList(start, i));
                start = i;
                tokens = 0;
            }
            tokens += length;
        }
        batches.add(windows.subList(start, windows.size()));
        return batches;
    }

    /** Sums over each option's tokens, option after option. */
    private static final class Collected {
        private final double[] logLikelihood;
        private final boolean[] greedy;
        private int next;

        Collected(int options) {
            this.logLikelihood = new double[options];
            this.greedy = new boolean[options];
        }

        void add(List<Window> batch, double[] nll, double[] hit) {
            int at = 0;
            for (Window window : batch) {
                double sum = 0;
                boolean all = true;
                for (int end = at + window.scored(); at < end; at++) {
                    sum -= nll[at];
                    all &= hit[at] == 1;
                }
                logLikelihood[next] = sum;
                greedy[next] = all;
                next++;
            }
        }

        ChoiceScores scores(List<ChoiceItem> items) {
            double[][] sums = new double[items.size()][];
            boolean[][] flags = new boolean[items.size()][];
            int at = 0;
            for (int i = 0; i < sums.length; i++) {
                int options = items.get(i).options().size();
                sums[i] = Arrays.copyOfRange(logLikelihood, at, at + options);
                flags[i] = Arrays.copyOfRange(greedy, at, at + options);
                at += options;
            }
            return new ChoiceScores(items, sums, flags);
        }
    }
}
