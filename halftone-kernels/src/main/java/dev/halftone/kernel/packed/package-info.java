/** Products of packed weights with activations, for running a quantized model: memory layouts, a scalar twin and vector kernels of each. */
@NullMarked
package dev.halftone.kernel.packed;

import org.jspecify.annotations.NullMarked;
