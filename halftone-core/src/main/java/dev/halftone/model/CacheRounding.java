package dev.halftone.model;

import org.bytedeco.pytorch.Tensor;

/**
 * What a cache keeps of keys and values: how they are quantized on their way in. Attention sees nothing else, the tokens of the
 * running pass included, so that decoding and a pass over the whole text see the same. Observers see them before that.
 */
@FunctionalInterface
public interface CacheRounding {
    /** Keys and values stay as they are. */
    CacheRounding PLAIN = (site, x) -> x;

    /**
     * The values that the cache has for these, or the argument itself.
     *
     * @param site {@code B.attention.k} of block B for keys that are about to be turned, {@code .k_rope} for turned ones, {@code
     *     .v} for values
     * @param x (kvHeads, tokens, headDim); never changed
     */
    Tensor round(String site, Tensor x);
}
