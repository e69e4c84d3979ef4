package dev.halftone.runtime;

import java.util.List;

/**
 * A loaded model that continues sequences of tokens. One thread at a time may call {@link #step}; the engine spreads the work over
 * threads of its own. What a sequence gives does not depend on the sequences beside it, nor on the number of threads.
 */
public interface TokenEngine extends AutoCloseable {
    /** For reports: which engine, kernels and threads. */
    String description();

    /** Length of a row of logits. */
    int vocabulary();

    /** The longest sequence. */
    int contextLength();

    /**
     * A new, empty sequence.
     *
     * @param room the most tokens that it will hold
     */
    Sequence open(int room);

    /**
     * Reads the chunks in one pass; each sequence, at most once, grows by its chunk's tokens.
     *
     * @return for each chunk logits (tokens, vocabulary) or, where the last ones alone are wanted, (1, vocabulary), row-major
     */
    List<float[]> step(List<Chunk> chunks);

    /** Frees the model; its sequences are closed before. */
    @Override
    void close();

    /** Keys and values of the tokens read so far. */
    interface Sequence extends AutoCloseable {
        /** Tokens read so far. */
        int length();

        /** Forgets all tokens from there on. */
        void truncate(int length);

        @Override
        void close();
    }

    /**
     * The next tokens of a sequence.
     *
     * @param ids at least one
     * @param allLogits of every token, else of the last alone
     */
    record Chunk(Sequence sequence, int[] ids, boolean allLogits) {}
}
