/** Running a model token by token: engines, their sequences, and what they keep of keys and values. */
@NullMarked
package dev.halftone.runtime;

import org.jspecify.annotations.NullMarked;
