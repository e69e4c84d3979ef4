/** Images of few grey levels from few noisy projections: the problem, phantoms, and methods to compare with. Draws nothing. */
@NullMarked
package dev.halftone.discrete.tomography;

import org.jspecify.annotations.NullMarked;
