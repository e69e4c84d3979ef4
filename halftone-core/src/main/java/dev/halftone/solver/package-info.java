/** Weight solvers, one file per method, and the result they share. No files, no models, no printing. */
@NullMarked
package dev.halftone.solver;

import org.jspecify.annotations.NullMarked;
