package dev.halftone.model;

import org.bytedeco.pytorch.Tensor;

/** Sees the value at each named site while a model runs. The tensor is valid during the call only and must not be changed. */
@FunctionalInterface
public interface SiteObserver {
    /** Looks at nothing. */
    SiteObserver NONE = (site, value) -> {};

    /**
     * @param site name such as {@code model.layers.3.mlp.down_proj.input}
     * @param value (tokens, channels), or (heads, tokens, headDim) for sites of single heads
     */
    void observe(String site, Tensor value);
}
