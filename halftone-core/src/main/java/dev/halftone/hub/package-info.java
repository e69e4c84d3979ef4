/**
 * The Hugging Face hub: its cache directory on this disk, and downloads into it that can be cut off at any moment. Files only: what
 * is in them is the business of the packages above.
 */
@NullMarked
package dev.halftone.hub;

import org.jspecify.annotations.NullMarked;
