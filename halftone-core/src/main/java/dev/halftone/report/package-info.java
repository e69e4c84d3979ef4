/** Pages with charts: HTML and inline SVG that fetch nothing from elsewhere. Knows nothing of models. */
@NullMarked
package dev.halftone.report;

import org.jspecify.annotations.NullMarked;
