package dev.halftone.checkpoint;

/** Decodes the stored blocks of one type to float32. Plain elements are blocks of one. */
@FunctionalInterface
interface BlockDecoder {
    /** Decodes the first {@code blocks} blocks of {@code source} into the start of {@code target}. */
    void decode(byte[] source, float[] target, int blocks);
}
