/** Studies: grids of models, recipes and calibration sets, their results, and what can be learnt from them. */
@NullMarked
package dev.halftone.study;

import org.jspecify.annotations.NullMarked;
