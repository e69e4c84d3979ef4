/**
 * Tokenizers and text files: text to token ids and back. No models.
 *
 * <p>One engine, Hugging Face's {@code tokenizers}. A GGUF vocabulary is turned into a tokenizer.json first, so that there is
 * no second engine to keep equal, and so that a quantized model can be written with its tokenizer.
 */
@NullMarked
package dev.halftone.text;

import org.jspecify.annotations.NullMarked;
