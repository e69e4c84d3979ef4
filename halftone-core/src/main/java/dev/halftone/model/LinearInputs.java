package dev.halftone.model;

import org.bytedeco.pytorch.Tensor;

/** What happens to a linear's input in front of the product: how activations are quantized. Observers see it before that. */
public interface LinearInputs {
    /** Inputs stay as they are. */
    LinearInputs PLAIN = new LinearInputs() {
        @Override
        public Tensor round(LinearSite site, Tensor input) {
            return input;
        }

        @Override
        public boolean alike(LinearSite one, LinearSite other) {
            return true;
        }
    };

    /**
     * The input as the product sees it, or the input itself.
     *
     * @param input (tokens, in) of one pass; never changed
     */
    Tensor round(LinearSite site, Tensor input);

    /** True if both sites round a common input alike, so that it is done once. */
    boolean alike(LinearSite one, LinearSite other);
}
