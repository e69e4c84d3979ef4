/** What a user asks for, checked and run block by block. Uses every other package; nothing here knows the command line. */
@NullMarked
package dev.halftone.recipe;

import org.jspecify.annotations.NullMarked;
