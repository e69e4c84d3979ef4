/** What the results of a study say: figures per set, effects of sets, their errors. Knows nothing of pages. */
@NullMarked
package dev.halftone.study.analysis;

import org.jspecify.annotations.NullMarked;
