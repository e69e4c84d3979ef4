/** Which recipe to take, and the published rules beside what was measured. */
@NullMarked
package dev.halftone.study.recommend;

import org.jspecify.annotations.NullMarked;
