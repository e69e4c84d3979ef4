package dev.halftone.evaluate;

import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.Sequences;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** Scores a model on windows of a text, and compares it with a reference model on the same positions. */
public final class Evaluation {
    /** Positions whose logits are in memory at a time, per thread. */
    private static final int CHUNK = 64;

    private Evaluation() {}

    /** Called after each block of each model: blocks done, blocks in all. */
    @FunctionalInterface
    public interface Progress {
        void update(int done, int total);
    }

    /**
     * Negative log-likelihood of every scored token, in the order of the text, in nats.
     *
     * @param nll of the model
     * @param referenceNll of the reference, empty without one
     * @param kl sum over the vocabulary of p (ln p - ln q), p the reference's and q the model's softmax in float64
     * @param sameTop 1 where both have the same most probable token, else 0
     */
    public record Scores(double[] nll, double[] referenceNll, double[] kl, double[] sameTop) {
        /** exp of the mean negative log-likelihood. */
        public Estimate perplexity() {
            return Estimate.mean(nll).exp();
        }

        public Estimate referencePerplexity() {
            return Estimate.mean(referenceNll).exp();
        }

        public Estimate divergence() {
            return Estimate.mean(kl);
        }

        public Estimate agreement() {
            return Estimate.mean(sameTop);
        }

        /** Mean of ln(perplexity / reference perplexity) with the error of the paired difference. */
        public Estimate logRatio() {
            double[] difference = new double[nll.length];
            for (int i = 0; i < nll.length; i++) {
                difference[i] = nll[i] - referenceNll[i];
            }
            return Estimate.mean(difference);
        }

        /** The given quantile of the divergence over positions, by the nearest rank. */
        public double klQuantile(double quantile) {
            double[] sorted = kl.clone();
            Arrays.sort(sorted);
            return sorted[(int) Math.min(sorted.length - 1L, Math.round(quantile * (sorted.length - 1)))];
        }
    }

    /**
     * Runs the model, and the reference if there is one, over all windows.
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
        int blocks = model.spec().layers()
                + (reference == null ? 0 : reference.spec().layers());
        int[] starts = new int[windows.size() + 1];
        for (int i = 0; i < windows.size(); i++) {
            starts[i + 1] = starts[i] + windows.get(i).scored();
        }
        int n = starts[windows.size()];
        int pairs = reference == null ? 0 : n;
        Scores scores = new Scores(new double[n], new double[pairs], new double[pairs], new double[pairs]);
        List<int[]> tokens = windows.stream().map(Window::tokens).toList();
        try (Sequences own = new Sequences(model, tokens, workers, spill);
                Sequences other = reference == null ? null : new Sequences(reference, tokens, workers, spill)) {
            if (reference != null && other != null) {
                forward(reference, other, 0, blocks, progress);
            }
            forward(model, own, blocks - model.spec().layers(), blocks, progress);
            workers.forEach(windows.size(), i -> {
                Window window = windows.get(i);
                for (int from = 0; from < window.scored(); from += CHUNK) {
                    int to = Math.min(window.scored(), from + CHUNK);
                    int first = window.firstScored() + from;
                    int[] targets = Arrays.copyOfRange(window.tokens(), first, first + to - from);
                    int at = starts[i] + from;
                    Torch.inScope(() -> {
                        Tensor q = logProbabilities(model, own.residual(i), first, targets.length);
                        copy(nll(q, targets), scores.nll(), at);
                        if (reference != null && other != null) {
                            Tensor p = logProbabilities(reference, other.residual(i), first, targets.length);
                            copy(nll(p, targets), scores.referenceNll(), at);
                            Tensor same = p.argmax(new org.bytedeco.pytorch.LongOptional(1), false)
                                    .eq(q.argmax(new org.bytedeco.pytorch.LongOptional(1), false));
                            copy(Tensors.doubles(same), scores.sameTop(), at);
                            Tensor kl = p.sub(q).mul_(p.exp()).sum(1);
                            copy(Tensors.doubles(kl), scores.kl(), at);
                        }
                    });
                }
            });
        }
        return scores;
    }

    private static void forward(Decoder decoder, Sequences sequences, int done, int total, Progress progress) {
        for (int i = 0; i < decoder.spec().layers(); i++) {
            try (DecoderBlock block = decoder.block(i)) {
                sequences.forward(block, SiteObserver.NONE);
            }
            progress.update(done + i + 1, total);
        }
    }

    /** Log-softmax in float64 of the predictions of {@code count} positions from {@code first} on: (count, vocabulary). */
    private static Tensor logProbabilities(Decoder decoder, Tensor hidden, int first, int count) {
        Tensor logits = decoder.logits(Tensors.slice(hidden, 0, first - 1, first - 1 + count));
        return torch.log_softmax(logits.to(ScalarType.Double), 1);
    }

    private static double[] nll(Tensor logProbabilities, int[] targets) {
        return Tensors.doubles(
                logProbabilities.gather(1, Tensors.of(targets).unsqueeze(1)).neg());
    }

    private static void copy(double[] from, double[] to, int at) {
        System.arraycopy(from, 0, to, at, from.length);
    }
}
