/**
 * The block types of GGUF as number formats: rows taken apart into codes and scales, their bytes, and the searches of llama.cpp's own
 * quantizer. Decoders belong to {@code checkpoint}; solvers that fill the same grids better belong to {@code solver}.
 */
@NullMarked
package dev.halftone.format.gguf;

import org.jspecify.annotations.NullMarked;
