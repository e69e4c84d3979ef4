/** Files that hold tensors (safetensors, GGUF): validated, mapped, decoded to float32, written. No forward pass. */
@NullMarked
package dev.halftone.checkpoint;

import org.jspecify.annotations.NullMarked;
