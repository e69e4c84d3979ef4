/** The libtorch facade: threads, scopes, tensors over foreign memory. No models and no quantization. */
@NullMarked
package dev.halftone.tensor;

import org.jspecify.annotations.NullMarked;
