package dev.halftone.runtime;

import dev.halftone.kernel.decode.DecodeKernels;
import dev.halftone.model.DecoderSpec;

/**
 * Keys and values of one sequence in float16.
 *
 * <p>Keys lie in blocks of {@link #BLOCK} tokens, (kvHeads, blocks, headDim, BLOCK): the scores of a block's tokens are a product whose
 * sums run side by side in a vector. Values are (kvHeads, room, headDim), so the mean of values is such a product too.
 */
final class HalfCache implements TokenEngine.Sequence {
    /** Tokens of a block of keys: two vectors of 512 bits. */
    static final int BLOCK = 32;

    private static final DecodeKernels KERNELS = DecodeKernels.best();

    private final int headDim;
    private final int kvHeads;

    /** Rounded up to whole blocks. */
    private final int room;

    private final int capacity;
    private final short[][] keys;
    private final short[][] values;
    private int length;
    private boolean closed;

    /** @param capacity tokens that it holds */
    HalfCache(DecoderSpec spec, int capacity) {
        this.headDim = spec.attention().headDim();
        this.kvHeads = spec.attention().kvHeads();
        this.capacity = capacity;
        this.room = Math.ceilDiv(capacity, BLOCK) * BLOCK;
        int elements = Math.multiplyExact(Math.multiplyExact(kvHeads, room), headDim);
        this.keys = new short[spec.layers()][elements];
        this.values = new short[spec.layers()][elements];
    }

    int capacity() {
        return capacity;
    }

    /** What a token takes, in bytes. */
    static long bytesPerToken(DecoderSpec spec) {
        return 2L * Short.BYTES * spec.layers() * spec.attention().keyWidth();
    }

    /** Keeps keys and values (kvHeads * headDim) of a token; any thread, each token once. */
    void store(int layer, int position, float[] k, int kAt, float[] v, int vAt) {
        for (int head = 0; head < kvHeads; head++) {
            int at = keyBlock(head, position / BLOCK) + position % BLOCK;
            for (int d = 0; d < headDim; d++) {
                keys[layer][at + d * BLOCK] = Float.floatToFloat16(k[kAt + head * headDim + d]);
            }
            DecodeKernels.narrow(v, vAt + head * headDim, values[layer], valueAt(head, position), headDim);
        }
    }

    private int keyBlock(int head, int block) {
        return (head * room + block * BLOCK) * headDim;
    }

    private int valueAt(int head, int position) {
        return (head * room + position) * headDim;
    }

    /** Keys of tokens block * BLOCK and on as (headDim, BLOCK). */
    void readKeys(int layer, int head, int block, float[] target) {
        KERNELS.widen(keys[layer], keyBlock(head, block), target, 0, headDim * BLOCK);
    }

    /** Values of {@code count} tokens as (count, headDim). */
    void readValues(int layer, int head, int position, int count, float[] target) {
        KERNELS.widen(values[layer], valueAt(head, position), target, 0, count * headDim);
    }

    @Override
    public int length() {
        return length;
    }

    void advance(int tokens) {
        length += tokens;
    }

    @Override
    public void truncate(int shorter) {
        if (shorter < 0 || shorter > length) {
            throw new IllegalArgumentException("truncate to %d of %d tokens".formatted(shorter, length));
        }
        length = shorter;
    }

    boolean closed() {
        return closed;
    }

    @Override
    public void close() {
        closed = true;
    }
}
