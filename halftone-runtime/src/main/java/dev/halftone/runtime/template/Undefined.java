package dev.halftone.runtime.template;

/** A name or key that is not there: empty, false and without items; only what looks into it fails. */
record Undefined(String name) {}
