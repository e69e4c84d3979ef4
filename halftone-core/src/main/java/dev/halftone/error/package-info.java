/** What goes wrong, with a code, a place and a remedy. No printing: the command line decides how an error is shown. */
@NullMarked
package dev.halftone.error;

import org.jspecify.annotations.NullMarked;
