/** A study's page live, on the loopback interface. */
@NullMarked
package dev.halftone.study.studio;

import org.jspecify.annotations.NullMarked;
