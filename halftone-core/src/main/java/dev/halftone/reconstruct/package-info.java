/** Training of a few parameters of a block until its output is that of the original block. */
@NullMarked
package dev.halftone.reconstruct;

import org.jspecify.annotations.NullMarked;
