package dev.halftone.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

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

    /** The raw bytes as mapped, read-only. Where {@link #mustDecode()}, they are not yet the values. */
    MemorySegment bytes();

    /**
     * True if only {@link #decode} gives the values: the file keeps them in another order than the Hugging Face layout (the rows
     * of q and k of GGUF's llama, and the linears of its gpt2, which are transposed), or they are changed while being read.
     */
    boolean mustDecode();

    /**
     * The bytes of a linear weight in the file's encoding, one output after the other in Hugging Face order, whatever the order of
     * {@link #shape}: the mapped bytes, or a copy where the file has another order. Empty where the values are changed while being read.
     */
    default Optional<MemorySegment> outputRows() {
        return mustDecode() ? Optional.empty() : Optional.of(bytes());
    }

    /** Decodes rows {@code from} (inclusive) to {@code to} (exclusive), Hugging Face order, into little-endian float32. */
    void decode(long from, long to, MemorySegment target);

    /**
     * Gives the memory of the mapped bytes back to the operating system: a model that is read once, tensor by tensor, should not
     * count as a whole. Reading them again is right, and fetches them again.
     */
    default void release() {
        if (bytes().isMapped()) {
            bytes().unload();
        }
    }

    /** Number of rows. */
    long rows();

    /** Elements in a row. */
    long columns();
}
