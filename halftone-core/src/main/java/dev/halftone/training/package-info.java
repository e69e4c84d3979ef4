/** Training of small decoders: configuration, data, optimizers, the loop and its checkpoints. No quantization in here. */
@NullMarked
package dev.halftone.training;

import org.jspecify.annotations.NullMarked;
