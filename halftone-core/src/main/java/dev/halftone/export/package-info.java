/** Files for other engines: each format in a package of its own. Reads models that are done; no calibration, no solver. */
@NullMarked
package dev.halftone.export;

import org.jspecify.annotations.NullMarked;
