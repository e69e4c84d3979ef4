package dev.halftone.model;

import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Torch;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * What all blocks share while one sequence, or the next piece of it, goes through the model: positions, who sees whom, and the
 * cache. The tables can be shared by sequences of one length.
 */
public final class Pass implements AutoCloseable {
    private final int sequences;
    private final int[] positions;
    private final @Nullable RopeTable rope;
    private final @Nullable Tensor mask;
    private final @Nullable KeyValueCache cache;

    private Pass(
            int sequences,
            int[] positions,
            @Nullable RopeTable rope,
            @Nullable Tensor mask,
            @Nullable KeyValueCache cache) {
        this.sequences = sequences;
        this.positions = positions;
        this.rope = rope;
        this.mask = mask;
        this.cache = cache;
    }

    /** A whole sequence of that many tokens. */
    static Pass whole(DecoderSpec spec, Compute compute, int tokens) {
        return of(spec, compute, 1, tokens, 0, null);
    }

    /** That many whole sequences of equal length, one after the other in the rows of every linear. */
    static Pass batch(DecoderSpec spec, Compute compute, int sequences, int tokens) {
        return of(spec, compute, sequences, tokens, 0, null);
    }

    /** A whole sequence whose first {@code padding} tokens mean nothing: nobody sees them, and positions start after them. */
    static Pass padded(DecoderSpec spec, Compute compute, int tokens, int padding) {
        return of(spec, compute, 1, tokens, padding, null);
    }

    /** The next tokens of a sequence whose beginning is in the cache. */
    static Pass cached(DecoderSpec spec, Compute compute, int tokens, KeyValueCache cache) {
        return of(spec, compute, 1, tokens, 0, cache);
    }

    private static Pass of(
            DecoderSpec spec, Compute compute, int sequences, int tokens, int padding, @Nullable KeyValueCache cache) {
        int past = cache == null ? 0 : cache.length();
        int[] positions = new int[tokens];
        Arrays.setAll(positions, i -> Math.max(0, past + i - padding));
        RopeTable rope = spec.attention().positions() instanceof Rope turning
                ? RopeTable.of(turning, positions, past + tokens - padding, compute)
                : null;
        return new Pass(
                sequences,
                positions,
                rope,
                mask(tokens, past, padding, spec.attention().window(), compute),
                cache);
    }

    /** (tokens, past + tokens), true where a query sees a key; null where that is the plain triangle, or everything. */
    private static @Nullable Tensor mask(int tokens, int past, int padding, int window, Compute compute) {
        int keys = past + tokens;
        boolean narrow = window > 0 && window < keys;
        boolean continued = past > 0 && tokens > 1;
        if (!narrow && !continued && padding == 0) {
            return null;
        }
        byte[] sees = new byte[tokens * keys];
        for (int i = 0; i < tokens; i++) {
            int query = past + i;
            int first = Math.max(padding, window > 0 ? query - window + 1 : 0);
            for (int key = first; key <= query; key++) {
                sees[i * keys + key] = 1;
            }
            // A padding token sees itself: a softmax over nothing would give NaN.
            sees[i * keys + query] = 1;
        }
        return Torch.owned(() -> {
            Tensor bytes = torch.empty(new long[] {tokens, keys}, new TensorOptions(ScalarType.Bool), null);
            java.lang.foreign.MemorySegment.copy(
                    sees,
                    0,
                    dev.halftone.tensor.Tensors.memory(bytes),
                    java.lang.foreign.ValueLayout.JAVA_BYTE,
                    0,
                    sees.length);
            return compute.place(bytes);
        });
    }

    /** Sequences that lie one after the other in the rows. */
    int sequences() {
        return sequences;
    }

    /** Of one sequence. */
    int[] positions() {
        return positions;
    }

    /** x (heads, tokens, headDim) turned by its positions; as it is where positions are learned. */
    Tensor turn(Tensor x) {
        return rope == null ? x : rope.apply(x);
    }

    @Nullable
    Tensor mask() {
        return mask;
    }

    /** True if query i sees exactly the keys 0 to i. */
    boolean triangle() {
        return mask == null && (cache == null || cache.length() == 0);
    }

    KeyValueCache.Entry remember(int block, Tensor keys, Tensor values) {
        return cache == null ? new KeyValueCache.Entry(keys, values) : cache.append(block, keys, values);
    }

    @Override
    public void close() {
        if (rope != null) {
            rope.close();
        }
        if (mask != null) {
            mask.close();
        }
    }
}
