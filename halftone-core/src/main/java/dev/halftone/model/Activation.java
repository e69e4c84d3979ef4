package dev.halftone.model;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Non-linearities of MLPs. */
public enum Activation {
    SILU,
    /** With the error function. */
    GELU,
    /** The tanh form: gelu_new, gelu_pytorch_tanh. */
    GELU_TANH,
    RELU;

    Tensor apply(Tensor x) {
        return switch (this) {
            case SILU -> torch.silu(x);
            case GELU -> torch.gelu(x);
            case GELU_TANH -> torch.gelu(x, "tanh");
            case RELU -> torch.relu(x);
        };
    }
}
