package dev.halftone.reconstruct;

import dev.halftone.format.ModelFile;
import dev.halftone.format.ScalableWeight;
import dev.halftone.format.ScalableWeight.Scaled;
import dev.halftone.model.CacheRounding;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.GradientPass;
import dev.halftone.model.GradientPass.Fold;
import dev.halftone.model.GradientPass.Loss;
import dev.halftone.model.LinearInputs;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Sequences;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * Trains the scales of a packed model as a whole: codes stay, and each scale is multiplied by a factor until the model's next-token
 * distributions are those of the original. The loss is KL(original || packed), the mean over all tokens of a batch; the scales are rounded
 * to what they are stored as in every pass, so it is the loss of the file.
 *
 * <p>Training all step sizes behind a blockwise stage is the second phase of EfficientQAT (arXiv:2407.11062); the divergence from the
 * original as the loss is that of LLM-QAT (arXiv:2305.17888). Some sequences are held out: where their loss does not fall, the scales stay
 * as they were.
 *
 * <p>One block is in memory at a time ({@link GradientPass}), and the original's last residual streams are kept. Cost of an epoch: about
 * five forward passes.
 */
public final class Distillation {
    /** Tokens whose logits, of both models, are in memory at once. */
    private static final int TOKENS = 128;

    /** Of so many sequences one is held out. */
    private static final int HELD = 16;

    /** The rate rises over so many steps. */
    private static final int WARM_UP = 4;

    /**
     * How it is trained.
     *
     * @param epochs how often each sequence is seen
     * @param batch sequences of a step
     * @param rate largest move of a factor in a step
     * @param seed of the order in which sequences are drawn, and of which are held out
     */
    public record Options(int epochs, int batch, double rate, long seed) {}

    /**
     * What came of it.
     *
     * @param weights whose scales were trained
     * @param steps that were taken
     * @param heldOut sequences that were not trained on
     * @param before mean divergence on them, with the scales as they were
     * @param after with the scales that are kept
     */
    public record Outcome(int weights, int steps, int heldOut, double before, double after) {}

    private final ModelFile packed;
    private final Decoder original;
    private final List<int[]> sequences;
    private final Spill spill;
    private final Workers workers;
    private final Map<String, TrainedScales> trained = new LinkedHashMap<>();

    /**
     * A packed model before it is trained.
     *
     * @param packed whose linears see their inputs as they are
     * @param original of the model that it was made from
     * @param concerns which weights' scales are trained, of those that have some
     */
    public Distillation(
            ModelFile packed,
            Decoder original,
            Predicate<LinearSite> concerns,
            List<int[]> sequences,
            Spill spill,
            Workers workers) {
        this.packed = packed;
        this.original = original;
        this.sequences = sequences;
        this.spill = spill;
        this.workers = workers;
        Decoder.linears(packed.spec()).stream()
                .filter(concerns)
                .forEach(site -> scalable(packed, site.weight())
                        .ifPresent(weight -> trained.put(site.weight(), new TrainedScales(weight))));
    }

    private static Optional<ScalableWeight> scalable(ModelFile packed, String weight) {
        return packed.storedWeight(weight)
                .flatMap(ScalableWeight::of)
                .or(() -> packed.blocks(weight).flatMap(ScalableWeight::of));
    }

    /** Trains; the scales that are kept are in {@link #scaled}. */
    public Outcome train(Options options, Compute compute, Progress progress) {
        int[] order = new SequenceOrder(sequences.size(), options.seed()).next(sequences.size());
        int held = Math.max(1, sequences.size() / HELD);
        int[] test = Arrays.copyOf(order, held);
        int[] training = Arrays.copyOfRange(order, held, order.length);
        int batch = Math.min(options.batch(), training.length);
        int steps = batch == 0 ? 0 : options.epochs() * Math.ceilDiv(training.length, batch);
        try (Activations target = originals();
                Decoder student = student(compute)) {
            double before = loss(student, test, target, batch);
            SequenceOrder draws = new SequenceOrder(training.length, options.seed() + 1);
            for (int step = 0; step < steps; step++) {
                int[] drawn =
                        Arrays.stream(draws.next(batch)).map(k -> training[k]).toArray();
                step(student, drawn, target, rate(options.rate(), step, steps));
                progress.update(step + 1, steps);
            }
            double after = loss(student, test, target, batch);
            if (after < before) {
                return new Outcome(trained.size(), steps, held, before, after);
            }
            trained.values().forEach(TrainedScales::reset);
            return new Outcome(trained.size(), steps, held, before, before);
        }
    }

    /** How far training has come. */
    @FunctionalInterface
    public interface Progress {
        /** Called after each step. */
        void update(int done, int steps);
    }

    /** Names of the weights whose scales are trained. */
    public Set<String> weights() {
        return trained.keySet();
    }

    /** One of them with the scales that are kept. */
    public Scaled scaled(String weight) {
        return Objects.requireNonNull(trained.get(weight), weight).now();
    }

    private static double rate(double most, int step, int steps) {
        return most * Math.min(1, (step + 1.0) / WARM_UP) * (1 - (double) step / steps);
    }

    private Decoder student(Compute compute) {
        return new Decoder(
                packed.spec(),
                new ScaledWeights(packed.weights(), trained),
                compute,
                LinearInputs.PLAIN,
                CacheRounding.PLAIN,
                packed.path().toString());
    }

    /** The original's residual streams behind the last block. */
    private Activations originals() {
        try (Sequences all = new Sequences(original, sequences, workers, spill)) {
            for (int i = 0; i < original.spec().layers(); i++) {
                try (DecoderBlock block = original.block(i)) {
                    all.forward(block, SiteObserver.NONE);
                }
            }
            return all.copy();
        }
    }

    private void step(Decoder student, int[] drawn, Activations target, double rate) {
        List<int[]> batch = Arrays.stream(drawn).mapToObj(sequences::get).toList();
        try (GradientPass pass = new GradientPass(student, batch, divergence(student, drawn, target), spill, workers)) {
            pass.run(Fold.SUM, (site, gradient) -> {
                TrainedScales scales = trained.get(site.weight());
                if (scales != null) {
                    scales.step(gradient, rate, workers);
                }
            });
        }
    }

    /** Mean divergence of some sequences. */
    private double loss(Decoder student, int[] drawn, Activations target, int batch) {
        double sum = 0;
        for (int from = 0; from < drawn.length; from += Math.max(1, batch)) {
            int[] some = Arrays.copyOfRange(drawn, from, Math.min(drawn.length, from + Math.max(1, batch)));
            List<int[]> part = Arrays.stream(some).mapToObj(sequences::get).toList();
            try (GradientPass pass =
                    new GradientPass(student, part, divergence(student, some, target), spill, workers)) {
                sum += pass.loss() * tokens(some);
            }
        }
        return sum / tokens(drawn);
    }

    private long tokens(int[] drawn) {
        return Arrays.stream(drawn).mapToLong(k -> sequences.get(k).length).sum();
    }

    /** KL(original || student), the mean over all tokens. */
    private Loss divergence(Decoder student, int[] drawn, Activations target) {
        long all = tokens(drawn);
        long[] starts = starts();
        return new Loss() {
            @Override
            public int tokens() {
                return TOKENS;
            }

            @Override
            public Tensor of(int sequence, int from, Tensor hidden) {
                long first = starts[drawn[sequence]] + from;
                Tensor known = original.compute().cast(target.view(first, first + hidden.size(0)));
                Tensor p = original.logits(known).log_softmax(1);
                Tensor q = student.logits(hidden).log_softmax(1);
                return p.exp().mul(p.sub(q)).sum().mul(Tensors.scalar(1.0 / all));
            }
        };
    }

    private long[] starts() {
        long[] starts = new long[sequences.size() + 1];
        IntStream.range(0, sequences.size()).forEach(i -> starts[i + 1] = starts[i] + sequences.get(i).length);
        return starts;
    }
}
