/**
 * What calibration sequences show of a model's sites: accumulators that take one pass and merge, the run that fills them, the
 * outlier metrics derived from them, and their file. No decision about weights.
 */
@NullMarked
package dev.halftone.statistics;

import org.jspecify.annotations.NullMarked;
