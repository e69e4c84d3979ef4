/** Filters whose taps have few bits: their design as a min-max problem. Draws nothing. */
@NullMarked
package dev.halftone.discrete.fir;

import org.jspecify.annotations.NullMarked;
