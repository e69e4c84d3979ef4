/** The results of a study in a DuckDB file. Holds no statistics and no opinion. */
@NullMarked
package dev.halftone.study.store;

import org.jspecify.annotations.NullMarked;
