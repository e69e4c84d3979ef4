/** A study for people: one document, as a page, as Markdown, as JSON. Measures nothing. */
@NullMarked
package dev.halftone.study.report;

import org.jspecify.annotations.NullMarked;
