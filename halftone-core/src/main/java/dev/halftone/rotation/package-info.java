/** Hadamard transforms of any size, plain and with random signs, that methods share. No model, no format. */
@NullMarked
package dev.halftone.rotation;

import org.jspecify.annotations.NullMarked;
