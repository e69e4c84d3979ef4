/** Headline claims of papers at small scale: what was claimed, what was run, what was measured, whether it holds. */
@NullMarked
package dev.halftone.reproduce;

import org.jspecify.annotations.NullMarked;
