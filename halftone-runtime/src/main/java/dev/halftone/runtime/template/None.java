package dev.halftone.runtime.template;

/** Python's None: a value that is there and says nothing. */
enum None {
    NONE
}
