package dev.halftone.runtime;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an engine holds of a model.
 *
 * @param embedding looked up row by row, from the file
 * @param projectIn where the embedding is not as wide as the blocks; null else, and so on
 * @param positions learned vectors of positions
 * @param tokenType what is added to every token; empty for nothing
 * @param head the embedding too where it is tied
 */
record DecoderWeights(
        ModelMatrix embedding,
        @Nullable Linears projectIn,
        @Nullable ModelMatrix positions,
        float[] tokenType,
        @Nullable RowNorm embeddingNorm,
        List<Layer> layers,
        @Nullable RowNorm finalNorm,
        @Nullable Linears projectOut,
        Linears head) {
    /**
     * One block.
     *
     * @param attentionNorm before attention, or behind it where norms follow the additions; so {@code mlpNorm}
     * @param attentionOutputNorm of what attention gives
     * @param queryNorm of heads, or of all of them together
     * @param up gate and up, or up alone; null with experts, as {@code down}
     */
    record Layer(
            int index,
            @Nullable RowNorm attentionNorm,
            @Nullable RowNorm attentionOutputNorm,
            @Nullable RowNorm mlpNorm,
            @Nullable RowNorm mlpOutputNorm,
            @Nullable RowNorm queryNorm,
            @Nullable RowNorm keyNorm,
            Linears qkv,
            Linears output,
            @Nullable Linears up,
            @Nullable Linears down,
            @Nullable ExpertWeights experts) {
        /** What one token reads. */
        long bytes() {
            long sum = qkv.bytes() + output.bytes();
            if (up != null && down != null) {
                sum += up.bytes() + down.bytes();
            }
            return experts == null ? sum : sum + experts.bytes();
        }
    }

    /**
     * A mixture of experts.
     *
     * @param router and, where there is one, the gate of the shared experts
     * @param up gate and up of each expert
     */
    record ExpertWeights(
            Linears router,
            List<Linears> up,
            List<Linears> down,
            @Nullable Linears sharedUp,
            @Nullable Linears sharedDown,
            int perToken) {
        long bytes() {
            long sum = router.bytes()
                    + perToken * (up.getFirst().bytes() + down.getFirst().bytes());
            return sharedUp == null || sharedDown == null ? sum : sum + sharedUp.bytes() + sharedDown.bytes();
        }
    }

    /** What one token reads of the weights, the head included. */
    long bytesPerToken() {
        return layers.stream().mapToLong(Layer::bytes).sum()
                + (projectIn == null ? 0 : projectIn.bytes())
                + (projectOut == null ? 0 : projectOut.bytes())
                + head.bytes();
    }
}
