/** Runs a study: draws calibration sets, hands jobs to an executor, puts what comes back into the store. Judges nothing. */
@NullMarked
package dev.halftone.study.run;

import org.jspecify.annotations.NullMarked;
