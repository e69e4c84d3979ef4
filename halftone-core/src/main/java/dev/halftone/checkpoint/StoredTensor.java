package dev.halftone.checkpoint;

import java.lang.foreign.MemorySegment;

/**
 * One tensor of a checkpoint, still in its file's encoding.
 *
 * <p>Decoding is by rows: a row is the last dimension (a tensor with fewer than two dimensions has one row).
 */
public interface StoredTensor {
    /** Hugging Face name. */
    String name();

    /** The file's own name of the type: "F32", "BF16", "Q4_1"... */
    String type();

    /** Row-major shape, slowest dimension first. */
    long[] shape();

    long elements();

    /** Bytes in the file. */
    long byteSize();

    /** The raw bytes as mapped, read-only. Where {@link #rowsReordered()}, they are in the file's own order. */
    MemorySegment bytes();

    /**
     * True if the file keeps the values in another order than the Hugging Face layout: the rows of q and k of GGUF's llama, and
     * the linears of its gpt2, which are transposed.
     */
    boolean rowsReordered();

    /** Decodes rows {@code from} (inclusive) to {@code to} (exclusive), Hugging Face order, into little-endian float32. */
    void decode(long from, long to, MemorySegment target);

    /** Number of rows. */
    long rows();

    /** Elements in a row. */
    long columns();
}
