/** What a study is: its file, its grid of cells, what identifies a cell. Runs nothing and stores nothing. */
@NullMarked
package dev.halftone.study.plan;

import org.jspecify.annotations.NullMarked;
