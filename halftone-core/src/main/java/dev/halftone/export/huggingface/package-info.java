/** Hugging Face directories for Python engines: compressed-tensors, GPTQ, AWQ, plain safetensors. */
@NullMarked
package dev.halftone.export.huggingface;

import org.jspecify.annotations.NullMarked;
