package dev.halftone.model;

import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * Gradients of the mean loss of the next token with respect to the linears of a decoder, one block in memory at a time: on the way up
 * the residual stream before every block is kept, on the way down each block runs again with a graph, and hands the gradient of its
 * input to the block before it.
 *
 * <p>Of several sequences the magnitudes are added: the sum of the gradients themselves is near zero at a trained optimum. Cost two
 * forward passes and a backward pass; memory (blocks + 1) tokens hidden numbers, and a block's weights twice.
 */
public final class GradientPass implements AutoCloseable {
    private final Decoder decoder;
    private final List<int[]> sequences;
    private final long[] starts;
    private final long tokens;
    private final int layers;

    /** Residual streams before every block, and behind the last. */
    private final Activations stream;

    /** Of the running block: dL / d output, and then dL / d input. */
    private final Activations slopes;

    /** Takes what the pass finds, from the last block to the first. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Takes a linear's gradient.
         *
         * @param magnitudes sum over the sequences of |dL / dW| (out, in); zeros for an expert that no token reached
         */
        void take(LinearSite site, float[] magnitudes);
    }

    /**
     * Takes all sequences up to the logits and back to the last block's output.
     *
     * @param decoder of the model in full precision, with embedding and head
     * @param sequences of at least two tokens each
     */
    public GradientPass(Decoder decoder, List<int[]> sequences, Spill spill) {
        this.decoder = decoder;
        this.sequences = List.copyOf(sequences);
        this.starts = new long[sequences.size() + 1];
        for (int i = 0; i < sequences.size(); i++) {
            decoder.checkLength(sequences.get(i).length);
            starts[i + 1] = starts[i] + sequences.get(i).length;
        }
        this.tokens = starts[sequences.size()];
        this.layers = decoder.spec().layers();
        int hidden = decoder.spec().hidden();
        this.stream = new Activations(tokens * (layers + 1), hidden, spill);
        this.slopes = new Activations(tokens, hidden, spill);
        up();
        top();
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
        for (int s = 0; s < sequences.size(); s++) {
            int sequence = s;
            Torch.inScope(() -> {
                try (Pass pass = pass(sequence)) {
                    residual(0, sequence).copy_(decoder.embed(sequences.get(sequence), pass));
                }
            });
        }
        for (int layer = 0; layer < layers; layer++) {
            try (DecoderBlock block = decoder.block(layer)) {
                for (int s = 0; s < sequences.size(); s++) {
                    int sequence = s;
                    int current = layer;
                    Torch.inScope(() -> {
                        try (Pass pass = pass(sequence)) {
                            Tensor before = decoder.compute().cast(residual(current, sequence));
                            residual(current + 1, sequence).copy_(block.forward(before, pass, SiteObserver.NONE));
                        }
                    });
                }
            }
        }
    }

    /** Loss of every sequence, and its gradient with respect to the last block's output. */
    private void top() {
        for (int s = 0; s < sequences.size(); s++) {
            int sequence = s;
            Torch.inScope(() -> {
                int[] ids = sequences.get(sequence);
                Tensor hidden = leaf(residual(layers, sequence));
                Tensor logits = decoder.logits(hidden);
                int[] next = new int[ids.length - 1];
                System.arraycopy(ids, 1, next, 0, next.length);
                torch.cross_entropy_loss(
                                Tensors.slice(logits, 0, 0, next.length),
                                decoder.compute().place(Tensors.of(next)))
                        .backward();
                slope(sequence).copy_(hidden.grad());
            });
        }
    }

    /** A copy that gradients arrive at. */
    private Tensor leaf(Tensor values) {
        return decoder.compute().cast(values).clone().detach().requires_grad_(true);
    }

    /** Takes the gradients down through all blocks. */
    public void run(Sink sink) {
        for (int layer = layers - 1; layer >= 0; layer--) {
            try (DecoderBlock block = decoder.block(layer)) {
                List<LinearSite> sites = block.sites();
                sites.forEach(site -> block.weight(site).requires_grad_(true));
                List<float[]> sums = new ArrayList<>();
                sites.forEach(site -> sums.add(new float[site.out() * site.in()]));
                for (int s = 0; s < sequences.size(); s++) {
                    int sequence = s;
                    int current = layer;
                    Torch.inScope(() -> down(block, current, sequence, sites, sums));
                }
                for (int i = 0; i < sites.size(); i++) {
                    sink.take(sites.get(i), sums.get(i));
                }
            }
        }
    }

    private void down(DecoderBlock block, int layer, int sequence, List<LinearSite> sites, List<float[]> sums) {
        try (Pass pass = pass(sequence)) {
            Tensor input = leaf(residual(layer, sequence));
            Tensor output = block.forward(input, pass, SiteObserver.NONE);
            output.backward(
                    decoder.compute().cast(slope(sequence)), new BoolOptional(), false, new TensorArrayRefOptional());
            slope(sequence).copy_(input.grad());
        }
        for (int i = 0; i < sites.size(); i++) {
            Tensor gradient = block.weight(sites.get(i)).grad();
            if (gradient.defined()) {
                float[] found = Tensors.floats(gradient);
                float[] sum = sums.get(i);
                for (int at = 0; at < sum.length; at++) {
                    sum[at] += Math.abs(found[at]);
                }
                gradient.zero_();
            }
        }
    }

    @Override
    public void close() {
        stream.close();
        slopes.close();
    }
}
