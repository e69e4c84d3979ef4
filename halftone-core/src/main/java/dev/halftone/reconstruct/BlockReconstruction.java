package dev.halftone.reconstruct;

import dev.halftone.model.CacheRounding;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.LinearInputs;
import dev.halftone.model.Sequences;
import dev.halftone.model.TrialWeights;
import dev.halftone.model.WeightSource;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The reconstruction stage: trains some weights of a block so that its output on the quantized model's activations becomes that of the
 * original block on the original's. The loss is the mean squared difference. The parameters with the lowest loss that a batch has
 * shown are kept, and the start's if those do no better on all sequences.
 *
 * <p>Sequences of a batch are independent pieces of work; their gradients are added in the batch's order, so nothing depends on the
 * number of threads.
 */
public final class BlockReconstruction {
    /**
     * How it is trained.
     *
     * @param iterations steps, each on one batch; 0 for none
     * @param batch sequences of a step
     * @param rate of the first step, falling to 0 in equal parts
     * @param seed of the order in which sequences are drawn
     */
    public record Options(int iterations, int batch, double rate, long seed) {}

    /**
     * What came of it: mean squared differences on all sequences.
     *
     * @param iteration the step before which the kept parameters were met; 0 for the start's
     */
    public record Outcome(double before, double after, int iteration) {}

    private final Decoder decoder;
    private final int index;
    private final Setting setting;
    private final Data data;
    private final List<TrainedWeight> trained;
    private final Workers workers;

    /** Values of the trained weights, and the gradient of a batch by them; float32 (out, in) each. */
    private final List<Tensor> values = new ArrayList<>();

    private final List<Tensor> gradients = new ArrayList<>();

    /** The values in the type that the block computes in: converted once, not by each sequence of a batch. */
    private final List<Tensor> shown = new ArrayList<>();

    /**
     * What is not trained.
     *
     * @param weights the block's weights but for the trained ones
     * @param inputs how the linears see their inputs; must pass gradients on
     */
    public record Setting(WeightSource weights, LinearInputs inputs) {}

    /**
     * What the block is trained on.
     *
     * @param sequences whose tokens went through the model
     * @param input residual streams before the block, of the quantized model
     * @param target residual streams behind it, of the original
     */
    public record Data(Sequences sequences, Activations input, Activations target) {}

    /** A block before it is trained. */
    public BlockReconstruction(
            Decoder decoder, int index, Setting setting, Data data, List<TrainedWeight> trained, Workers workers) {
        this.decoder = decoder;
        this.index = index;
        this.setting = setting;
        this.data = data;
        this.trained = trained;
        this.workers = workers;
    }

    /** Trains; the weights are left with the parameters that are kept. */
    public Outcome train(Options options) {
        try {
            for (TrainedWeight weight : trained) {
                values.add(room(weight, ScalarType.Float));
                gradients.add(room(weight, ScalarType.Float));
                shown.add(room(weight, decoder.compute().type().scalarType()));
            }
            return run(options);
        } finally {
            for (List<Tensor> tensors : List.of(values, gradients, shown)) {
                tensors.forEach(Tensor::close);
                tensors.clear();
            }
        }
    }

    private static Tensor room(TrainedWeight weight, ScalarType type) {
        long[] shape = {weight.site().out(), weight.site().in()};
        return Torch.owned(() -> torch.empty(shape, new TensorOptions(type), null));
    }

    private Outcome run(Options options) {
        int batch = Math.min(options.batch(), data.sequences().count());
        SequenceOrder order = new SequenceOrder(data.sequences().count(), options.seed());
        show();
        double before = loss();
        double best = Double.POSITIVE_INFINITY;
        int found = 0;
        for (int i = 0; i < options.iterations(); i++) {
            double loss = gradient(order.next(batch));
            if (loss < best) {
                best = loss;
                found = i;
                trained.forEach(TrainedWeight::keep);
            }
            double rate = options.rate() * (1 - (double) i / options.iterations());
            for (int t = 0; t < trained.size(); t++) {
                trained.get(t).step(Tensors.memory(gradients.get(t)), rate, workers);
            }
            show();
        }
        trained.forEach(TrainedWeight::restore);
        show();
        double after = found == 0 ? before : loss();
        if (after < before) {
            return new Outcome(before, after, found);
        }
        trained.forEach(TrainedWeight::reset);
        return new Outcome(before, before, 0);
    }

    /** Puts the values that the parameters make where the block reads them. */
    private void show() {
        for (int t = 0; t < trained.size(); t++) {
            trained.get(t).read(Tensors.memory(values.get(t)), workers);
        }
        workers.forEach(trained.size(), t -> shown.get(t).copy_(values.get(t)));
    }

    /** The loss on a batch; its gradient replaces the last one. */
    private double gradient(int[] batch) {
        gradients.forEach(Tensor::zero_);
        double sum = 0;
        for (int first = 0; first < batch.length; first += workers.threads()) {
            int from = first;
            int count = Math.min(workers.threads(), batch.length - first);
            Piece[] pieces = new Piece[count];
            workers.forEach(count, k -> pieces[k] = backward(batch[from + k], batch.length));
            for (Piece piece : pieces) {
                sum += piece.loss();
                workers.forEach(
                        trained.size(),
                        t -> gradients.get(t).add_(piece.gradients().get(t)));
                piece.gradients().forEach(Tensor::close);
            }
        }
        return sum;
    }

    private record Piece(double loss, List<Tensor> gradients) {}

    private Piece backward(int sequence, int batch) {
        List<Tensor> leaves =
                shown.stream().map(value -> value.detach().requires_grad_(true)).toList();
        try (DecoderBlock block = block(leaves)) {
            Tensor loss = difference(block, sequence).square().mean().mul(Tensors.scalar(1.0 / batch));
            loss.backward();
            double value = loss.item_double();
            return new Piece(value, leaves.stream().map(TrialWeights::gradient).toList());
        }
    }

    /** The block with these weights; keys and values as they are, for what rounds them passes no gradient on. */
    private DecoderBlock block(List<Tensor> leaves) {
        Map<String, Tensor> named = new HashMap<>();
        for (int t = 0; t < trained.size(); t++) {
            named.put(trained.get(t).site().weight(), leaves.get(t));
        }
        DecoderBlock block = decoder.block(index, new TrialWeights(setting.weights(), named));
        block.roundInputs(setting.inputs());
        block.roundCache(CacheRounding.PLAIN);
        return block;
    }

    /** What a sequence's output lacks of the target, float32. */
    private Tensor difference(DecoderBlock block, int sequence) {
        Sequences sequences = data.sequences();
        Tensor output = sequences.through(block, sequence, data.input()).to(ScalarType.Float);
        return output.sub(decoder.compute().place(sequences.rows(data.target(), sequence)));
    }

    /** The loss on all sequences. */
    private double loss() {
        double[] losses = new double[data.sequences().count()];
        try (DecoderBlock block = block(shown)) {
            workers.forEach(
                    losses.length,
                    i -> losses[i] = difference(block, i).square().mean().item_double());
        }
        double sum = 0;
        for (double loss : losses) {
            sum += loss;
        }
        return sum / losses.length;
    }
}
