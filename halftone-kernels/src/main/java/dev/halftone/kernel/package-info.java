/** Low-bit and dense inner loops with a scalar twin each, and the choice between them. No files, no tensors, no models. */
@NullMarked
package dev.halftone.kernel;

import org.jspecify.annotations.NullMarked;
