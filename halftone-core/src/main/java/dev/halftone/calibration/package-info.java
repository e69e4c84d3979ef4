/** Where calibration sequences come from, and the statistics taken from them. No decision about weights. */
@NullMarked
package dev.halftone.calibration;

import org.jspecify.annotations.NullMarked;
