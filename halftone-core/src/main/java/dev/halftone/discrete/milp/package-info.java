/** Exact solvers of OR-Tools on problems of the package above: what a heuristic is compared with. */
@NullMarked
package dev.halftone.discrete.milp;

import org.jspecify.annotations.NullMarked;
