/** Halftone as a library. Each class is compiled and run by the tests. */
@NullMarked
package dev.halftone.examples;

import org.jspecify.annotations.NullMarked;
