package dev.halftone.evaluate;

import dev.halftone.evaluate.LogitSource.Rows;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.kernel.Kernels;
import dev.halftone.model.Decoder;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Scores models on windows of a text, and compares them with a reference on the same positions. */
public final class Evaluation {
    /** Logits of one source in memory at a time, per thread: few rows make slow products with the head. */
    private static final int CHUNK_LOGITS = 12 << 20;

    private static final int LARGEST_CHUNK = 256;

    private Evaluation() {}

    /** Called after each step of a source: steps done, steps in all. */
    @FunctionalInterface
    public interface Progress {
        void update(int done, int total);
    }

    /** Sees the logits of the first model at every scored position, called by any thread. */
    @FunctionalInterface
    public interface Listener {
        /**
         * @param position of the window's scored ones
         * @param logits valid during the call
         * @param norm ln of the sum of their exponentials
         */
        void row(int window, int position, float[] logits, double norm);
    }

    /**
     * Runs a model, and the reference if there is one, over all windows.
     *
     * @param spill directory for what does not fit into memory
     */
    public static Scores run(
            Decoder model,
            @Nullable Decoder reference,
            List<Window> windows,
            Workers workers,
            Path spill,
            Progress progress) {
        try (ModelLogits own = new ModelLogits(model, spill);
                ModelLogits other = reference == null ? null : new ModelLogits(reference, spill)) {
            return run(List.of(own), other, windows, workers, progress, (_, _, _, _) -> {})
                    .getFirst();
        }
    }

    /**
     * Reads all sources at all windows.
     *
     * @param models at least one
     * @return the scores of each model, all of them against the same reference
     */
    public static List<Scores> run(
            List<? extends LogitSource> models,
            @Nullable LogitSource reference,
            List<Window> windows,
            Workers workers,
            Progress progress,
            Listener listener) {
        int[] starts = new int[windows.size() + 1];
        for (int i = 0; i < windows.size(); i++) {
            starts[i + 1] = starts[i] + windows.get(i).scored();
        }
        List<LogitSource> sources = new ArrayList<>(models);
        if (reference != null) {
            sources.addFirst(reference);
        }
        int steps = sources.stream().mapToInt(LogitSource::steps).sum();
        AtomicInteger done = new AtomicInteger();
        for (LogitSource source : sources) {
            source.prepare(windows, workers, () -> progress.update(done.incrementAndGet(), steps));
        }
        List<Scores> all = new ArrayList<>();
        for (int i = 0; i < models.size(); i++) {
            all.add(Scores.empty(starts[windows.size()], reference != null));
        }
        int chunk = Math.clamp(CHUNK_LOGITS / models.getFirst().vocabulary(), 1, LARGEST_CHUNK);
        workers.forEach(windows.size(), i -> {
            Scorer scorer = new Scorer(models, reference, all, listener);
            Window window = windows.get(i);
            for (int from = 0; from < window.scored(); from += chunk) {
                int first = from;
                int count = Math.min(chunk, window.scored() - from);
                Torch.inScope(() -> scorer.score(window, i, first, count, starts[i] + first));
            }
        });
        return all;
    }

    /** One thread's buffers. */
    private static final class Scorer {
        private static final Kernels KERNELS = Kernels.best();
        private final List<? extends LogitSource> models;
        private final @Nullable LogitSource reference;
        private final List<Scores> all;
        private final Listener listener;
        private final float[] q;
        private final float[] p;

        Scorer(
                List<? extends LogitSource> models,
                @Nullable LogitSource reference,
                List<Scores> all,
                Listener listener) {
            this.models = models;
            this.reference = reference;
            this.all = all;
            this.listener = listener;
            this.q = new float[models.getFirst().vocabulary()];
            this.p = reference == null ? new float[0] : new float[reference.vocabulary()];
        }

        /** Positions {@code from} to {@code from + count} of the window's scored ones; their scores go to {@code at} and on. */
        void score(Window window, int index, int from, int count, int at) {
            Rows other = reference == null ? null : reference.rows(index, from, count);
            List<Rows> own =
                    models.stream().map(model -> model.rows(index, from, count)).toList();
            for (int row = 0; row < count; row++) {
                int target = window.tokens()[window.firstScored() + from + row];
                double pNorm = 0;
                int pTop = -1;
                if (other != null) {
                    other.copy(row, p);
                    pNorm = KERNELS.logSumExp(p, 0, p.length);
                    pTop = KERNELS.argMax(p, 0, p.length);
                }
                for (int m = 0; m < own.size(); m++) {
                    own.get(m).copy(row, q);
                    double qNorm = KERNELS.logSumExp(q, 0, q.length);
                    int qTop = KERNELS.argMax(q, 0, q.length);
                    Scores scores = all.get(m);
                    int position = at + row;
                    scores.nll()[position] = qNorm - q[target];
                    scores.hit()[position] = qTop == target ? 1 : 0;
                    if (other != null) {
                        scores.referenceNll()[position] = pNorm - p[target];
                        scores.referenceHit()[position] = pTop == target ? 1 : 0;
                        scores.sameTop()[position] = pTop == qTop ? 1 : 0;
                        scores.kl()[position] = KERNELS.divergence(p, pNorm, q, qNorm, q.length);
                    }
                    if (m == 0) {
                        listener.row(index, from + row, q, qNorm);
                    }
                }
            }
        }
    }
}
