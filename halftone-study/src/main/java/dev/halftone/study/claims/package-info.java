/** Claims of papers that take a study to check: which study, and what its results should be. */
@NullMarked
package dev.halftone.study.claims;

import org.jspecify.annotations.NullMarked;
