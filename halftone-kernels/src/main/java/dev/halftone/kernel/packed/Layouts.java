package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.TILE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What all matrices here have in common. */
final class Layouts {
    /** Bytes: a cache line. */
    static final long ALIGNMENT = 64;

    private Layouts() {}

    static int tiles(int rows) {
        return Math.ceilDiv(rows, TILE);
    }

    static void checkShape(int rows, int columns) {
        if (rows < 1 || columns < 1) {
            throw new IllegalArgumentException("%d rows, %d columns; expected at least 1".formatted(rows, columns));
        }
    }

    static void checkPiece(PackedMatrix matrix, ActivationRows x, float[] y, int stride, int from, int to) {
        if (x.columns() != matrix.columns()
                || from % TILE != 0
                || (to % TILE != 0 && to != matrix.rows())
                || from < 0
                || to > matrix.rows()
                || (x.tokens() > 0 && (long) (x.tokens() - 1) * stride + to > y.length)) {
            throw new IllegalArgumentException(
                    "rows %d to %d of %d, %d columns, by %d tokens of %d columns into %d places of stride %d"
                            .formatted(
                                    from,
                                    to,
                                    matrix.rows(),
                                    matrix.columns(),
                                    x.tokens(),
                                    x.columns(),
                                    y.length,
                                    stride));
        }
    }

    /** Writes the sums (tokens, 32) of a tile to their places in y. */
    static void store(float[] sums, int tokens, float[] y, int stride, int row, int to) {
        for (int t = 0; t < tokens; t++) {
            System.arraycopy(sums, t * TILE, y, t * stride + row, Math.min(TILE, to - row));
        }
    }

    /** The ints of a block of a row. */
    static void words(MemorySegment codes, int blocks, int row, int block, int[] words) {
        long at = ((long) (row / TILE) * blocks + block) * words.length * TILE + row % TILE;
        for (int word = 0; word < words.length; word++) {
            words[word] = codes.getAtIndex(ValueLayout.JAVA_INT, at + (long) word * TILE);
        }
    }

    /** The inverse of {@link #words}. */
    static void storeWords(MemorySegment codes, int blocks, int row, int block, int[] words) {
        long at = ((long) (row / TILE) * blocks + block) * words.length * TILE + row % TILE;
        for (int word = 0; word < words.length; word++) {
            codes.setAtIndex(ValueLayout.JAVA_INT, at + (long) word * TILE, words[word]);
        }
    }
}
