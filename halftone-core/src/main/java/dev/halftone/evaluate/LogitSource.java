package dev.halftone.evaluate;

import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.tensor.Workers;
import java.util.List;

/** Where logits come from: a model that is run, or a file of what a model gave. */
public interface LogitSource extends AutoCloseable {
    /** Tokens of the vocabulary: the length of a row. */
    int vocabulary();

    /** Steps of {@link #prepare}, for progress. */
    int steps();

    /** Everything that must be done before rows can be read; calls {@code step} after each of the {@link #steps}. */
    void prepare(List<Window> windows, Workers workers, Runnable step);

    /**
     * Logits of a window's scored positions {@code from} to {@code from + count}, counted from the window's first. Called by any
     * thread, inside a scope of native memory in which the result is used up.
     */
    Rows rows(int window, int from, int count);

    /** Logits of some positions. */
    @FunctionalInterface
    interface Rows {
        /** Copies a position's logits, up to a constant that is the same for the whole row. */
        void copy(int row, float[] target);
    }

    @Override
    void close();
}
