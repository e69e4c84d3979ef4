/** Quality of a model with its uncertainty: perplexity, divergence from a reference, agreement. No quantization. */
@NullMarked
package dev.halftone.evaluate;

import org.jspecify.annotations.NullMarked;
