package dev.halftone.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Evenly spread windows of each source's validation texts, the same at each validation. */
final class Validation {
    private final List<String> names = new ArrayList<>();
    private final List<TokenData> texts = new ArrayList<>();
    private final int windows;
    private final int microBatch;

    /** Loss in nats per token; bits per byte of text, which do not depend on the tokenizer. */
    record Score(String source, long tokens, double loss, double bytesPerToken) {
        double perplexity() {
            return Math.exp(loss);
        }

        double bitsPerByte() {
            return loss / Math.log(2) / bytesPerToken;
        }
    }

    /**
     * @param windows at most so many per source
     * @param microBatch windows that are computed at once
     */
    Validation(int windows, int microBatch) {
        this.windows = windows;
        this.microBatch = microBatch;
    }

    void add(String name, TokenData data) {
        names.add(name);
        texts.add(data);
    }

    /** Each source, and last "all": every window counts alike. */
    List<Score> scores(TrainingStep step) {
        List<Score> all = new ArrayList<>();
        double nats = 0;
        double bytes = 0;
        long tokens = 0;
        for (int i = 0; i < texts.size(); i++) {
            TokenData data = texts.get(i);
            List<TokenData.Batch> batches = batches(data);
            int width = width(data);
            long scored =
                    batches.stream().mapToLong(batch -> batch.targets().length).sum();
            Score score = new Score(names.get(i), scored, step.loss(batches, width), data.bytesPerToken());
            all.add(score);
            nats += score.loss() * scored;
            bytes += score.bytesPerToken() * scored;
            tokens += scored;
        }
        all.add(new Score("all", tokens, nats / tokens, bytes / tokens));
        return all;
    }

    /** Outliers of the first source's first windows. */
    List<OutlierMetrics.Site> outliers(TrainingStep step) {
        TokenData data = texts.getFirst();
        OutlierMetrics metrics = new OutlierMetrics(step.spec());
        step.observe(batches(data).getFirst(), width(data), metrics);
        return metrics.sites();
    }

    private int width(TokenData data) {
        return Math.min(microBatch, data.windows());
    }

    private List<TokenData.Batch> batches(TokenData data) {
        int width = width(data);
        int count = Math.max(1, Math.min(windows, data.windows()) / width);
        List<TokenData.Batch> batches = new ArrayList<>();
        for (int b = 0; b < count; b++) {
            int[] chosen = new int[width];
            int first = b * width;
            Arrays.setAll(chosen, i -> (int) ((long) (first + i) * data.windows() / ((long) count * width)));
            batches.add(data.batch(chosen));
        }
        return batches;
    }
}
