package dev.halftone.model;

import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Gradients of a loss behind the logits with respect to the linears of a decoder, one block in memory at a time: on the way up the
 * residual stream before every block is kept, on the way down each block runs again with a graph, and hands the gradient of its input to
 * the block before it.
 *
 * <p>Sequences are independent pieces of work; what they give is added in their order, so nothing depends on the number of threads.
 * Cost two forward passes and a backward pass; memory (blocks + 1) tokens hidden numbers, and for each thread a block's gradients.
 */
public final class GradientPass implements AutoCloseable {
    private final Decoder decoder;
    private final List<int[]> sequences;
    private final Loss loss;
    private final Workers workers;
    private final long[] starts;
    private final long tokens;
    private final int layers;
    private final double[] losses;

    /** Residual streams before every block, and behind the last. */
    private final Activations stream;

    /** Of the running block: dL / d output, and then dL / d input. */
    private final Activations slopes;

    /** What is differentiated: a sum over the sequences. */
    public interface Loss {
        /** Tokens of a sequence that are looked at together: their logits are in memory. */
        default int tokens() {
            return Integer.MAX_VALUE;
        }

        /**
         * The part of some tokens.
         *
         * @param sequence its number in the pass
         * @param from the first of the tokens
         * @param hidden their residual stream behind the last block, (tokens, hidden)
         * @return a scalar with a graph that leads to {@code hidden}
         */
        Tensor of(int sequence, int from, Tensor hidden);
    }

    /** How the sequences' gradients are put together. */
    public enum Fold {
        SUM,
        /** The sum of the absolute values: that of the gradients themselves is near zero at a trained optimum. */
        MAGNITUDES
    }

    /** Takes what the pass finds, from the last block to the first. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Takes a linear's gradient.
         *
         * @param gradient dL / dW (out, in), put together over the sequences; zeros for an expert that no token reached
         */
        void take(LinearSite site, float[] gradient);
    }

    /** The mean loss of a sequence's next tokens, of sequences of at least two tokens. */
    public static Loss nextToken(Decoder decoder, List<int[]> sequences) {
        return (sequence, _, hidden) -> {
            int[] ids = sequences.get(sequence);
            int[] next = new int[ids.length - 1];
            System.arraycopy(ids, 1, next, 0, next.length);
            return torch.cross_entropy_loss(
                    Tensors.slice(decoder.logits(hidden), 0, 0, next.length),
                    decoder.compute().place(Tensors.of(next)));
        };
    }

    /**
     * Takes all sequences up to the loss and back to the last block's output.
     *
     * @param decoder with embedding and head
     */
    public GradientPass(Decoder decoder, List<int[]> sequences, Loss loss, Spill spill, Workers workers) {
        this.decoder = decoder;
        this.sequences = List.copyOf(sequences);
        this.loss = loss;
        this.workers = workers;
        this.starts = new long[sequences.size() + 1];
        for (int i = 0; i < sequences.size(); i++) {
            decoder.checkLength(sequences.get(i).length);
            starts[i + 1] = starts[i] + sequences.get(i).length;
        }
        this.tokens = starts[sequences.size()];
        this.layers = decoder.spec().layers();
        this.losses = new double[sequences.size()];
        int hidden = decoder.spec().hidden();
        this.stream = new Activations(tokens * (layers + 1), hidden, spill);
        this.slopes = new Activations(tokens, hidden, spill);
        up();
        workers.forEach(sequences.size(), this::top);
    }

    /** The loss, summed over the sequences. */
    public double loss() {
        double sum = 0;
        for (double one : losses) {
            sum += one;
        }
        return sum;
    }

    private Pass pass(int sequence) {
        return Pass.whole(decoder.spec(), decoder.compute(), sequences.get(sequence).length);
    }

    private Tensor residual(int layer, int sequence) {
        return stream.view(layer * tokens + starts[sequence], layer * tokens + starts[sequence + 1]);
    }

    private Tensor slope(int sequence) {
        return slopes.view(starts[sequence], starts[sequence + 1]);
    }

    private void up() {
        workers.forEach(sequences.size(), sequence -> {
            try (Pass pass = pass(sequence)) {
                residual(0, sequence).copy_(decoder.embed(sequences.get(sequence), pass));
            }
        });
        for (int layer = 0; layer < layers; layer++) {
            int current = layer;
            try (DecoderBlock block = decoder.block(layer)) {
                workers.forEach(sequences.size(), sequence -> {
                    try (Pass pass = pass(sequence)) {
                        Tensor before = decoder.compute().cast(residual(current, sequence));
                        residual(current + 1, sequence).copy_(block.forward(before, pass, SiteObserver.NONE));
                    }
                });
            }
        }
    }

    /** Loss of a sequence, and its gradient with respect to the last block's output. */
    private void top(int sequence) {
        int length = sequences.get(sequence).length;
        int piece = Math.min(length, loss.tokens());
        for (int first = 0; first < length; first += piece) {
            int from = first;
            int to = Math.min(length, first + piece);
            Torch.inScope(() -> {
                Tensor hidden = leaf(Tensors.slice(residual(layers, sequence), 0, from, to));
                Tensor part = loss.of(sequence, from, hidden);
                part.backward();
                Tensors.slice(slope(sequence), 0, from, to).copy_(hidden.grad());
                losses[sequence] += part.item_double();
            });
        }
    }

    /** A copy that gradients arrive at. */
    private Tensor leaf(Tensor values) {
        return decoder.compute().cast(values).clone().detach().requires_grad_(true);
    }

    /** Takes the gradients down through all blocks. */
    public void run(Fold fold, Sink sink) {
        for (int layer = layers - 1; layer >= 0; layer--) {
            try (DecoderBlock block = decoder.block(layer)) {
                List<LinearSite> sites = block.sites();
                List<Tensor> values = sites.stream()
                        .map(site -> Torch.owned(() -> block.weight(site).to(ScalarType.Float)))
                        .toList();
                List<float[]> sums = sites.stream()
                        .map(site -> new float[site.out() * site.in()])
                        .toList();
                down(layer, sites, values, fold, sums);
                values.forEach(Tensor::close);
                for (int i = 0; i < sites.size(); i++) {
                    sink.take(sites.get(i), sums.get(i));
                }
            }
        }
    }

    /** As many sequences at a time as there are threads. */
    private void down(int layer, List<LinearSite> sites, List<Tensor> values, Fold fold, List<float[]> sums) {
        for (int first = 0; first < sequences.size(); first += workers.threads()) {
            int from = first;
            int count = Math.min(workers.threads(), sequences.size() - first);
            List<List<Tensor>> pieces = new ArrayList<>(Collections.nCopies(count, List.of()));
            workers.forEach(count, k -> pieces.set(k, down(layer, from + k, sites, values)));
            workers.forEach(sites.size(), i -> {
                for (List<Tensor> piece : pieces) {
                    add(piece.get(i), fold, sums.get(i));
                }
            });
            pieces.forEach(piece -> piece.forEach(Tensor::close));
        }
    }

    /** Takes a sequence's gradient down through a block, and gives those of its linears, which the caller closes. */
    private List<Tensor> down(int layer, int sequence, List<LinearSite> sites, List<Tensor> values) {
        Map<String, Tensor> leaves = new LinkedHashMap<>();
        for (int i = 0; i < sites.size(); i++) {
            leaves.put(sites.get(i).weight(), values.get(i).detach().requires_grad_(true));
        }
        try (DecoderBlock block = decoder.block(layer, new TrialWeights(decoder.source(), leaves));
                Pass pass = pass(sequence)) {
            Tensor input = leaf(residual(layer, sequence));
            Tensor output = block.forward(input, pass, SiteObserver.NONE);
            output.backward(
                    decoder.compute().cast(slope(sequence)), new BoolOptional(), false, new TensorArrayRefOptional());
            slope(sequence).copy_(input.grad());
            return leaves.values().stream().map(TrialWeights::gradient).toList();
        }
    }

    private static void add(Tensor gradient, Fold fold, float[] sum) {
        float[] found = Tensors.floats(gradient);
        switch (fold) {
            case SUM -> {
                for (int at = 0; at < sum.length; at++) {
                    sum[at] += found[at];
                }
            }
            case MAGNITUDES -> {
                for (int at = 0; at < sum.length; at++) {
                    sum[at] += Math.abs(found[at]);
                }
            }
        }
    }

    @Override
    public void close() {
        stream.close();
        slopes.close();
    }
}
