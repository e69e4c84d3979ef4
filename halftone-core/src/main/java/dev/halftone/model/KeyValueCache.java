package dev.halftone.model;

import org.bytedeco.pytorch.Tensor;

/**
 * What attention keeps of the tokens it has seen, so that a new token costs one pass over itself. Methods that store keys and
 * values in few bits implement this.
 */
public interface KeyValueCache extends AutoCloseable {
    /** Tokens stored by finished passes. */
    int length();

    /**
     * Stores the keys and values of a pass's new tokens.
     *
     * @param keys (kvHeads, tokens, headDim), turned by their positions; values likewise
     * @return all keys and values so far, the new ones included
     */
    Entry append(int block, Tensor keys, Tensor values);

    /** Ends a pass: all blocks have appended that many tokens. */
    void advance(int tokens);

    /** Keys and values (kvHeads, tokens so far, headDim). */
    record Entry(Tensor keys, Tensor values) {}

    @Override
    void close();
}
