/** Number formats: grid, granularity, packing, and the packed layout on disk. No calibration, no solver. */
@NullMarked
package dev.halftone.format;

import org.jspecify.annotations.NullMarked;
