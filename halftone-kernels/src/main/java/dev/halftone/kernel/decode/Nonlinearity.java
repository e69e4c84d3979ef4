package dev.halftone.kernel.decode;

/** Functions of MLPs; {@link FloatFunctions} says how each is computed. */
public enum Nonlinearity {
    /** x sigmoid(x). */
    SILU,
    /** x/2 (1 + erf(x / sqrt 2)). */
    GELU,
    /** x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
    GELU_TANH,
    /** max(x, 0). */
    RELU
}
