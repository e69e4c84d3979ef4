/**
 * Discrete Min-Max Violation: variables with finite sets of values, linear constraints, the largest violation as small as possible;
 * {@link dev.halftone.discrete.Amvm} searches for it. Packages below this one pose such problems and hold what they are compared
 * with. Knows nothing of models.
 */
@NullMarked
package dev.halftone.discrete;

import org.jspecify.annotations.NullMarked;
