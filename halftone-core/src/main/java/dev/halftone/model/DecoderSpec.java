package dev.halftone.model;

/**
 * What a decoder computes, whatever its config called it. One forward pass ({@link Decoder}) serves every family; a family is
 * a row in {@link Families}.
 *
 * @param family {@code model_type} of the config
 * @param hidden width of the residual stream
 * @param intermediate width of the MLP
 * @param headDim width of one attention head, not always hidden / heads
 * @param kvHeads key and value heads; query head h uses number h / (heads / kvHeads)
 * @param normEps added to the mean square before the root
 * @param qkvBias the q, k and v projections have biases; likewise outputBias and mlpBias
 * @param tied the output head is the embedding
 * @param contextLength positions the model was trained for
 */
public record DecoderSpec(
        String family,
        int layers,
        int hidden,
        int intermediate,
        int heads,
        int kvHeads,
        int headDim,
        int vocabulary,
        double normEps,
        Rope rope,
        boolean qkvBias,
        boolean outputBias,
        boolean mlpBias,
        boolean tied,
        int contextLength) {
    /** Scores are multiplied by this before the softmax. */
    double attentionScale() {
        return 1 / Math.sqrt(headDim);
    }
}
