package dev.halftone.model;

import dev.halftone.model.DecoderSpec.Alibi;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
    private final DecoderSpec spec;
    private final int sequences;
    private final int[] positions;
    private final Tables tables;

    /** Of the layers whose tokens see a window; null where there are none. */
    private final @Nullable Tables local;

    private final @Nullable KeyValueCache cache;

    /**
     * What layers of one kind share.
     *
     * @param mask (tokens, past + tokens), true where a query sees a key; null where that is the plain triangle, or everything
     * @param alibi (heads, 1, past + tokens), what is added to the scores
     */
    private record Tables(
            @Nullable RopeTable rope,
            @Nullable Tensor mask,
            @Nullable Tensor alibi) implements AutoCloseable {
        @Override
        public void close() {
            if (rope != null) {
                rope.close();
            }
            if (mask != null) {
                mask.close();
            }
            if (alibi != null) {
                alibi.close();
            }
        }
    }

    /** How many tokens there are, before and now, and how many of them mean nothing. */
    private record Extent(int tokens, int past, int padding) {
        int keys() {
            return past + tokens;
        }
    }

    private Pass(DecoderSpec spec, Compute compute, int sequences, Extent extent, @Nullable KeyValueCache cache) {
        this.spec = spec;
        this.sequences = sequences;
        this.positions = new int[extent.tokens()];
        Arrays.setAll(positions, i -> Math.max(0, extent.past() + i - extent.padding()));
        this.tables = tables(extent, false, compute);
        this.local = spec.attention().window() > 0 ? tables(extent, true, compute) : null;
        this.cache = cache;
    }

    /** A whole sequence of that many tokens. */
    static Pass whole(DecoderSpec spec, Compute compute, int tokens) {
        return new Pass(spec, compute, 1, new Extent(tokens, 0, 0), null);
    }

    /** That many whole sequences of equal length, one after the other in the rows of every linear. */
    static Pass batch(DecoderSpec spec, Compute compute, int sequences, int tokens) {
        return new Pass(spec, compute, sequences, new Extent(tokens, 0, 0), null);
    }

    /** A whole sequence whose first {@code padding} tokens mean nothing: nobody sees them, and positions start after them. */
    static Pass padded(DecoderSpec spec, Compute compute, int tokens, int padding) {
        return new Pass(spec, compute, 1, new Extent(tokens, 0, padding), null);
    }

    /** The next tokens of a sequence whose beginning is in the cache. */
    static Pass cached(DecoderSpec spec, Compute compute, int tokens, KeyValueCache cache) {
        return new Pass(spec, compute, 1, new Extent(tokens, cache.length(), 0), cache);
    }

    private Tables tables(Extent extent, boolean windowed, Compute compute) {
        DecoderSpec.Positions kind = spec.attention().positions(windowed);
        RopeTable rope = kind instanceof Rope turning
                ? RopeTable.of(turning, positions, extent.keys() - extent.padding(), compute)
                : null;
        Tensor alibi = kind instanceof Alibi sloping ? alibi(sloping, extent, compute) : null;
        return new Tables(
                rope,
                spec.attention().causal()
                        ? mask(extent, windowed ? spec.attention().window() : 0, compute)
                        : unpadded(extent, compute),
                alibi);
    }

    /** Every token sees every other, but padding. */
    private static @Nullable Tensor unpadded(Extent extent, Compute compute) {
        if (extent.padding() == 0) {
            return null;
        }
        int tokens = extent.tokens();
        byte[] sees = new byte[tokens * tokens];
        for (int i = 0; i < sees.length; i++) {
            sees[i] = (byte) (i % tokens >= extent.padding() ? 1 : 0);
        }
        return booleans(sees, tokens, tokens, compute);
    }

    private static @Nullable Tensor mask(Extent extent, int window, Compute compute) {
        int tokens = extent.tokens();
        int keys = extent.keys();
        boolean narrow = window > 0 && window < keys;
        boolean continued = extent.past() > 0 && tokens > 1;
        if (!narrow && !continued && extent.padding() == 0) {
            return null;
        }
        byte[] sees = new byte[tokens * keys];
        for (int i = 0; i < tokens; i++) {
            int query = extent.past() + i;
            int first = Math.max(extent.padding(), window > 0 ? query - window + 1 : 0);
            for (int key = first; key <= query; key++) {
                sees[i * keys + key] = 1;
            }
            // A padding token sees itself: a softmax over nothing would give NaN.
            sees[i * keys + query] = 1;
        }
        return booleans(sees, tokens, keys, compute);
    }

    private static Tensor booleans(byte[] values, int rows, int columns, Compute compute) {
        return Torch.owned(() -> {
            Tensor bytes = torch.empty(new long[] {rows, columns}, new TensorOptions(ScalarType.Bool), null);
            MemorySegment.copy(values, 0, Tensors.memory(bytes), ValueLayout.JAVA_BYTE, 0, values.length);
            return compute.place(bytes);
        });
    }

    /** Slope times position of each key, (sequences * heads, 1, keys), float32. */
    private Tensor alibi(Alibi kind, Extent extent, Compute compute) {
        int heads = spec.attention().heads();
        int keys = extent.keys();
        int seen = keys - extent.padding();
        float[] one = kind.added(heads, seen);
        float[] added = new float[sequences * heads * keys];
        for (int h = 0; h < sequences * heads; h++) {
            System.arraycopy(one, h % heads * seen, added, h * keys + extent.padding(), seen);
        }
        return Torch.owned(() -> compute.place(Tensors.of(added, (long) sequences * heads, 1, keys)));
    }

    private Tables tables(int layer) {
        Tables windowed = local;
        return windowed != null && spec.attention().local(layer) ? windowed : tables;
    }

    /** Sequences that lie one after the other in the rows. */
    int sequences() {
        return sequences;
    }

    /** Of one sequence. */
    int[] positions() {
        return positions;
    }

    /** x (heads, tokens, headDim) turned by its positions; as it is where the layer does not turn. */
    Tensor turn(int layer, Tensor x) {
        RopeTable rope = tables(layer).rope();
        return rope == null ? x : rope.apply(x);
    }

    /** (tokens, past + tokens), true where a query sees a key; null where that is the plain triangle, or everything. */
    @Nullable
    Tensor mask(int layer) {
        return tables(layer).mask();
    }

    /** (heads, 1, past + tokens), what is added to the scores; null for nothing. */
    @Nullable
    Tensor alibi(int layer) {
        return tables(layer).alibi();
    }

    /** True if query i sees exactly the keys 0 to i. */
    boolean triangle(int layer) {
        return spec.attention().causal() && mask(layer) == null && (cache == null || cache.length() == 0);
    }

    KeyValueCache.Entry remember(int block, Tensor keys, Tensor values) {
        return cache == null ? new KeyValueCache.Entry(keys, values) : cache.append(block, keys, values);
    }

    @Override
    public void close() {
        tables.close();
        if (local != null) {
            local.close();
        }
    }
}
