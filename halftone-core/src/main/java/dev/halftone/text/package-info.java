/** Tokenizers and text files: text to token ids and back. No models. */
@NullMarked
package dev.halftone.text;

import org.jspecify.annotations.NullMarked;
