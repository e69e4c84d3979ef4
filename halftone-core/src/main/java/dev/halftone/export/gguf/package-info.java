/** GGUF files for llama.cpp: which tensor gets which type, metadata and tokenizer, and the export itself. */
@NullMarked
package dev.halftone.export.gguf;

import org.jspecify.annotations.NullMarked;
