package dev.halftone.recipe;

import dev.halftone.calibration.CrossMoments;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Sequences;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The original model's activations, beside those of the quantized one and stage by stage with them: what a solver compares with.
 *
 * <p>Drift of a linear: with x, h the original's input and residual stream and x', h' the quantized model's, the least-squares weight
 * for x' that gives what the original gave is W + G H^-1 with H = mean x' x'^T and
 *
 * <pre>G = W mean((x - x') x'^T) + mean((h - h') x'^T)</pre>
 *
 * <p>where the second term is there for linears whose output is added to the residual stream: they make up for its drift too. Source
 * of the first term: Li et al., GPTAQ, arXiv:2504.02692.
 */
final class OriginalStream implements AutoCloseable {
    private final Decoder decoder;
    private final Sequences sequences;
    private final Workers workers;
    private @Nullable DecoderBlock block;
    private @Nullable Activations input;

    /** @param sequences of the original model; closed with this */
    OriginalStream(Decoder decoder, Sequences sequences, Workers workers) {
        this.decoder = decoder;
        this.sequences = sequences;
        this.workers = workers;
    }

    Sequences sequences() {
        return sequences;
    }

    /** Stands before the first stage of a block. */
    void begin(int index) {
        DecoderBlock original = decoder.block(index);
        block = original;
        input = sequences.begin(original);
    }

    /** Moments of one stage. {@code residual}: null for linears that add nothing to the residual stream. */
    record Moments(double[] inputs, double @Nullable [] residual) {
        /** G (out, in) of a linear with this weight. */
        double[] drift(LinearSite site, float[] weight) {
            int in = site.in();
            double[] drift = new double[weight.length];
            Torch.inScope(() -> {
                double[] w = new double[weight.length];
                for (int i = 0; i < w.length; i++) {
                    w[i] = weight[i];
                }
                Tensor product = Tensors.of(w, site.out(), in).matmul(Tensors.of(inputs, in, in));
                if (residual != null) {
                    product = product.add(Tensors.of(residual, site.out(), in));
                }
                System.arraycopy(Tensors.doubles(product), 0, drift, 0, drift.length);
            });
            return drift;
        }
    }

    /**
     * How far the quantized model is from the original before a stage.
     *
     * @param quantized its sequences, at the same place
     * @param seen its inputs of the stage
     */
    Moments moments(int stage, Sequences quantized, Activations seen) {
        Activations original = Objects.requireNonNull(input);
        ComputeType products = decoder.compute().type();
        boolean added = decoder.spec().addsPlainly() && (stage == 1 || stage == 3);
        return new Moments(
                CrossMoments.of(original, seen, seen, products, workers),
                added ? CrossMoments.of(sequences.residuals(), quantized.residuals(), seen, products, workers) : null);
    }

    /** Takes the original through a stage. */
    void advance(int stage) {
        input = sequences.advance(Objects.requireNonNull(block), stage, Objects.requireNonNull(input));
        if (input == null) {
            endBlock();
        }
    }

    /** Leaves a block, at its end or before. */
    void endBlock() {
        if (input != null) {
            input.close();
            input = null;
        }
        if (block != null) {
            block.close();
            block = null;
        }
    }

    @Override
    public void close() {
        endBlock();
        sequences.close();
    }
}
