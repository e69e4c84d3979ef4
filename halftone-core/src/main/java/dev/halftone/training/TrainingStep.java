package dev.halftone.training;

import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Loss and gradient of a batch. Every micro-batch has its own leaves over the common values and its own gradient memory; the
 * gradients are added in the order of the micro-batches, so nothing depends on which thread computed which.
 */
final class TrainingStep {
    private final DecoderSpec spec;
    private final Parameters parameters;
    private final Compute compute;
    private final double balanceWeight;
    private final Workers workers;
    private final List<MemorySegment> gradients = new ArrayList<>();

    /** Mean loss in nats per token, and the norm of the gradient before clipping. */
    record Result(double loss, double norm) {}

    /** @param balanceWeight of the loss that balances experts */
    TrainingStep(
            DecoderSpec spec,
            Parameters parameters,
            Compute compute,
            double balanceWeight,
            int microBatches,
            Workers workers,
            Arena arena) {
        this.spec = spec;
        this.balanceWeight = balanceWeight;
        this.parameters = parameters;
        this.compute = compute;
        this.workers = workers;
        for (int i = 0; i < microBatches; i++) {
            gradients.add(arena.allocate(parameters.count() * Float.BYTES, 64));
        }
    }

    /** The gradient of the last {@link #gradient}. */
    MemorySegment total() {
        return gradients.getFirst();
    }

    /** Computes loss and gradient of micro-batches of {@code sequences} windows each. */
    Result gradient(List<TokenData.Batch> batches, int sequences) {
        double[] losses = new double[batches.size()];
        try (Tensor flat = flat()) {
            workers.forEach(
                    batches.size(),
                    i -> losses[i] = backward(flat, batches.get(i), sequences, gradients.get(i), batches.size()));
        }
        List<Optimizer.Piece> pieces = parameters.pieces();
        double[] squares = new double[pieces.size()];
        workers.forEach(pieces.size(), p -> squares[p] = add(pieces.get(p), batches.size()));
        double loss = 0;
        for (double part : losses) {
            loss += part;
        }
        double square = 0;
        for (double part : squares) {
            square += part;
        }
        return new Result(loss, Math.sqrt(square));
    }

    /** The values where they are computed with, as they are now; the caller closes it. */
    private Tensor flat() {
        return Torch.owned(() -> parameters.flat(compute.device()));
    }

    private double backward(Tensor flat, TokenData.Batch batch, int sequences, MemorySegment target, int parts) {
        List<Tensor> leaves = parameters.leaves(flat, true);
        double value;
        try (Decoder decoder = decoder(leaves);
                BalanceLoss balance =
                        new BalanceLoss(balanceWeight == 0 ? null : spec.mlp().experts())) {
            Tensor logits = decoder.forwardBatch(batch.inputs(), sequences, balance);
            Tensor loss = torch.cross_entropy_loss(logits, compute.place(Tensors.of(batch.targets())))
                    .mul(Tensors.scalar(1.0 / parts));
            Tensor unbalanced = balance.sum();
            Tensor all = unbalanced == null ? loss : loss.add(unbalanced.mul(Tensors.scalar(balanceWeight / parts)));
            all.backward();
            value = loss.item_double();
        }
        for (int i = 0; i < leaves.size(); i++) {
            Parameters.Place place = parameters.places().get(i);
            Tensor gradient = leaves.get(i).grad();
            if (gradient.defined()) {
                Tensors.over(place.in(target), ScalarType.Float, place.tensor().shape())
                        .copy_(gradient);
            } else {
                place.in(target).fill((byte) 0);
            }
        }
        return value;
    }

    private Decoder decoder(List<Tensor> leaves) {
        return new Decoder(spec, new LeafWeights(parameters, leaves), compute, "training");
    }

    /** Adds a piece of all gradients into the first; returns the sum of its squares. */
    private double add(Optimizer.Piece piece, int parts) {
        Tensor sum = slice(gradients.getFirst(), piece);
        for (int i = 1; i < parts; i++) {
            sum.add_(slice(gradients.get(i), piece));
        }
        return sum.to(ScalarType.Double).square().sum().item_double();
    }

    private static Tensor slice(MemorySegment memory, Optimizer.Piece piece) {
        return Tensors.over(
                memory.asSlice(piece.from() * Float.BYTES, piece.count() * Float.BYTES),
                ScalarType.Float,
                piece.count());
    }

    DecoderSpec spec() {
        return spec;
    }

    /** Mean loss of these batches without a gradient, in nats per token. */
    double loss(List<TokenData.Batch> batches, int sequences) {
        double[] losses = new double[batches.size()];
        try (Tensor flat = flat()) {
            workers.forEach(
                    batches.size(), i -> losses[i] = forward(flat, batches.get(i), sequences, SiteObserver.NONE));
        }
        double sum = 0;
        for (double loss : losses) {
            sum += loss;
        }
        return sum / batches.size();
    }

    /** Shows a batch's forward pass to the observer. */
    void observe(TokenData.Batch batch, int sequences, SiteObserver observer) {
        workers.forEach(1, _ -> forward(parameters.flat(compute.device()), batch, sequences, observer));
    }

    private double forward(Tensor flat, TokenData.Batch batch, int sequences, SiteObserver observer) {
        try (Decoder decoder = decoder(parameters.leaves(flat, false))) {
            Tensor logits = decoder.forwardBatch(batch.inputs(), sequences, observer);
            return torch.cross_entropy_loss(logits, compute.place(Tensors.of(batch.targets())))
                    .item_double();
        }
    }
}
