/** Architectures: what a config says, the named sites, and the forward pass. No quantization inside. */
@NullMarked
package dev.halftone.model;

import org.jspecify.annotations.NullMarked;
