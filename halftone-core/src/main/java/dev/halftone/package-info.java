/** The library's front door: opening a model from a path, and provenance. Everything else lives in the packages below. */
@NullMarked
package dev.halftone;

import org.jspecify.annotations.NullMarked;
