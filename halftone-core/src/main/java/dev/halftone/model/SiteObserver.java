package dev.halftone.model;

import org.bytedeco.pytorch.Tensor;

/** Sees the value at each named site while a model runs. The tensor is valid during the call only and must not be changed. */
@FunctionalInterface
public interface SiteObserver {
    /** Looks at nothing. */
    SiteObserver NONE = (site, value) -> {};

    /**
     * Called once per site and pass. Sites of block B: the input and output of each linear ({@code B.mlp.down_proj.input}),
     * {@code B.attention.q}, {@code .k}, {@code .v}, {@code .q_rope}, {@code .k_rope} (heads, tokens, headDim),
     * {@code .probabilities} (heads, queries, keys), and {@code B.output}, the residual stream.
     *
     * @param site name such as {@code model.layers.3.mlp.down_proj.input}
     * @param value (tokens, channels), or as said above; on the device of the forward pass
     */
    void observe(String site, Tensor value);

    /** True if attention probabilities are wanted: they cost an extra pass, since the fused kernel does not show them. */
    default boolean probabilities() {
        return false;
    }
}
