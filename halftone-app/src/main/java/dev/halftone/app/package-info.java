/** The command line: options in, text or JSON out. Thin: what it does is in the library. */
@NullMarked
package dev.halftone.app;

import org.jspecify.annotations.NullMarked;
