/**
 * Chat templates: the part of Jinja that they use, with Python's semantics, over values of JSON alone. A template comes with a
 * model, from anybody, so that it must reach nothing but what it is given. No files, no models.
 */
@NullMarked
package dev.halftone.runtime.template;

import org.jspecify.annotations.NullMarked;
