/**
 * From tokens to texts: sampling, stops, the text of a growing list of tokens, and many sequences that share an engine's steps. No
 * files, no network.
 */
@NullMarked
package dev.halftone.runtime.generate;

import org.jspecify.annotations.NullMarked;
