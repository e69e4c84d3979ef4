package dev.halftone.kernel.packed;

import java.util.function.IntConsumer;

/** Runs the pieces 0 .. count - 1 of a repacking, each once, in any order and on any threads; each writes a place of its own. */
@FunctionalInterface
public interface TileLoop {
    /** One after the other on the calling thread. */
    TileLoop SEQUENTIAL = (count, piece) -> {
        for (int i = 0; i < count; i++) {
            piece.accept(i);
        }
    };

    void forEach(int count, IntConsumer piece);
}
