package dev.halftone.evaluate;

import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.Sequences;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.LongOptional;
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
     * @param hit 1 where the model's most probable token is the target, else 0
     * @param referenceNll of the reference, empty without one
     * @param referenceHit of the reference, empty without one
     * @param kl sum over the vocabulary of p (ln p - ln q), p the reference's and q the model's softmax in float64
     * @param sameTop 1 where both have the same most probable token, else 0
     */
    public record Scores(
            double[] nll, double[] hit, double[] referenceNll, double[] referenceHit, double[] kl, double[] sameTop) {
        private static Scores empty(int positions, boolean paired) {
            int pairs = paired ? positions : 0;
            return new Scores(
                    new double[positions],
                    new double[positions],
                    new double[pairs],
                    new double[pairs],
                    new double[pairs],
                    new double[pairs]);
        }

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
        Scores scores = Scores.empty(starts[windows.size()], reference != null);
        Inputs inputs = Inputs.of(windows);
        try (Side own = new Side(model, inputs, workers, spill);
                Side other = reference == null ? null : new Side(reference, inputs, workers, spill)) {
            if (other != null) {
                other.forward(0, blocks, progress);
            }
            own.forward(blocks - model.spec().layers(), blocks, progress);
            workers.forEach(windows.size(), i -> {
                Window window = windows.get(i);
                for (int from = 0; from < window.scored(); from += CHUNK) {
                    int to = Math.min(window.scored(), from + CHUNK);
                    int first = window.firstScored() + from;
                    int[] targets = Arrays.copyOfRange(window.tokens(), first, first + to - from);
                    int at = starts[i] + from;
                    Torch.inScope(() -> score(own, other, inputs.ofWindow()[i], first, targets, scores, at));
                }
            });
        }
        return scores;
    }

    /**
     * The sequences that the windows need. A window's last token is only predicted, never read: so a window may be one token
     * longer than the positions of the model, and windows that differ in nothing else share a sequence.
     */
    private record Inputs(List<int[]> sequences, int[] ofWindow) {
        static Inputs of(List<Window> windows) {
            Map<IntBuffer, Integer> known = new HashMap<>();
            List<int[]> sequences = new ArrayList<>();
            int[] ofWindow = new int[windows.size()];
            for (int i = 0; i < ofWindow.length; i++) {
                int[] tokens = windows.get(i).tokens();
                int[] input = Arrays.copyOf(tokens, tokens.length - 1);
                Integer at = known.putIfAbsent(IntBuffer.wrap(input), sequences.size());
                ofWindow[i] = at == null ? sequences.size() : at;
                if (at == null) {
                    sequences.add(input);
                }
            }
            return new Inputs(sequences, ofWindow);
        }
    }

    /** A model and the sequences on their way through it. */
    private static final class Side implements AutoCloseable {
        private final Decoder decoder;
        private final Sequences sequences;

        Side(Decoder decoder, Inputs inputs, Workers workers, Path spill) {
            this.decoder = decoder;
            this.sequences = new Sequences(decoder, inputs.sequences(), workers, spill);
        }

        void forward(int done, int total, Progress progress) {
            for (int i = 0; i < decoder.spec().layers(); i++) {
                try (DecoderBlock block = decoder.block(i)) {
                    sequences.forward(block, SiteObserver.NONE);
                }
                progress.update(done + i + 1, total);
            }
        }

        /** Log-softmax in float64 of the predictions of {@code count} positions from {@code first} on: (count, vocabulary). */
        Tensor logProbabilities(int sequence, int first, int count) {
            Tensor hidden = sequences.residual(sequence);
            Tensor logits = decoder.logits(Tensors.slice(hidden, 0, first - 1, first - 1 + count));
            return torch.log_softmax(logits.to(ScalarType.Double), 1);
        }

        @Override
        public void close() {
            sequences.close();
        }
    }

    /** The targets are the tokens of a sequence from position {@code first} on; their scores go to {@code at} and on. */
    private static void score(
            Side own, @Nullable Side other, int sequence, int first, int[] targets, Scores scores, int at) {
        Tensor tokens = Tensors.of(targets);
        Tensor q = own.logProbabilities(sequence, first, targets.length);
        Tensor top = top(q);
        copy(nll(q, tokens), scores.nll(), at);
        copy(top.eq(tokens), scores.hit(), at);
        if (other != null) {
            Tensor p = other.logProbabilities(sequence, first, targets.length);
            Tensor referenceTop = top(p);
            copy(nll(p, tokens), scores.referenceNll(), at);
            copy(referenceTop.eq(tokens), scores.referenceHit(), at);
            copy(referenceTop.eq(top), scores.sameTop(), at);
            copy(p.sub(q).mul_(p.exp()).sum(1), scores.kl(), at);
        }
    }

    private static Tensor top(Tensor logProbabilities) {
        return logProbabilities.argmax(new LongOptional(1), false);
    }

    private static Tensor nll(Tensor logProbabilities, Tensor targets) {
        return logProbabilities.gather(1, targets.unsqueeze(1)).neg();
    }

    private static void copy(Tensor from, double[] to, int at) {
        double[] values = Tensors.doubles(from);
        System.arraycopy(values, 0, to, at, values.length);
    }
}
