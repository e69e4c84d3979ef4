package dev.halftone.runtime;

import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.DecoderSpec.Learned;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Runs a model from its packed weights, without libtorch: every product is a kernel over the weights as they are stored, and what lies
 * between two products is float32. Keys and values are kept in float16.
 */
public final class PackedEngine implements TokenEngine {
    /** Tokens of one pass: its activations stay in the caches, and a longer chunk gains nothing. */
    private static final int MOST_ROWS = 512;

    private final DecoderSpec spec;
    private final DecoderWeights weights;
    private final SpinPool pool;
    private final ForwardPass forward;
    private final MatrixFactory matrices;
    private final String description;

    /**
     * Loads a model.
     *
     * @param file stays the caller's, and open as long as the engine
     * @throws InputException HT-712 for an encoder; HT-910 for a model whose recipe quantizes inputs, HT-911 whose recipe quantizes keys
     *     and values
     */
    public static PackedEngine open(ModelFile file, int threads) {
        KernelMatrices matrices = new KernelMatrices();
        try {
            return new PackedEngine(file, matrices, threads);
        } catch (RuntimeException | Error e) {
            matrices.close();
            throw e;
        }
    }

    /** @param matrices becomes the engine's */
    PackedEngine(ModelFile file, MatrixFactory matrices, int threads) {
        refusal(file).ifPresent(refused -> {
            throw refused;
        });
        this.spec = file.spec();
        this.matrices = matrices;
        this.weights = new WeightLoader(file, matrices, threads).load();
        this.pool = new SpinPool(threads);
        this.forward = new ForwardPass(spec, weights, pool);
        this.description = "packed, %s, %d threads".formatted(matrices.description(), threads);
    }

    /** Why it cannot run a model; empty if it can. */
    static Optional<InputException> refusal(ModelFile file) {
        String place = file.path().toString();
        if (file.spec().encoder()) {
            return Optional.of(new InputException(
                    "HT-712",
                    file.spec().family(),
                    "is an encoder, which predicts no tokens",
                    "compare its sentence embeddings: halftone similarity MODEL --reference MODEL --text SENTENCES"));
        }
        if (file.changesInputs()) {
            return Optional.of(new InputException(
                    "HT-910",
                    place,
                    "the inputs of its linears are quantized as a recipe says, which the packed engine does not do",
                    "use --engine float"));
        }
        if (!file.cache().formats().isEmpty()) {
            return Optional.of(new InputException(
                    "HT-911",
                    place,
                    "its keys and values are quantized (%s); the packed engine keeps them in float16"
                            .formatted(file.cache().label()),
                    "use --engine float"));
        }
        return Optional.empty();
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public int vocabulary() {
        return spec.embedding().vocabulary();
    }

    @Override
    public int contextLength() {
        return spec.attention().positions() instanceof Learned(int offset, int rows)
                ? Math.min(spec.contextLength(), rows - offset)
                : spec.contextLength();
    }

    /** What one token reads of the weights, in bytes. */
    public long weightBytesPerToken() {
        return weights.bytesPerToken();
    }

    /** What a token adds to keys and values, in bytes: what every later token reads. */
    public long cacheBytesPerToken() {
        return HalfCache.bytesPerToken(spec);
    }

    /**
     * @throws InputException HT-912 if the model has no positions for as many tokens
     */
    @Override
    public Sequence open(int room) {
        int most = spec.attention().positions() instanceof Learned ? contextLength() : Integer.MAX_VALUE;
        if (room < 1 || room > most) {
            throw new InputException(
                    "HT-912",
                    spec.family(),
                    "a sequence of %d tokens; the model has positions for 1 to %d".formatted(room, most),
                    "ask for fewer tokens");
        }
        return new HalfCache(spec, room);
    }

    /**
     * @throws InputException HT-913 for an id beyond the vocabulary, HT-914 for more tokens than a sequence was opened for
     */
    @Override
    public List<float[]> step(List<Chunk> chunks) {
        check(chunks);
        List<float[]> results = new ArrayList<>();
        Batch batch = new Batch();
        for (Chunk chunk : chunks) {
            int tokens = chunk.ids().length;
            float[] logits = new float[Math.multiplyExact(chunk.allLogits() ? tokens : 1, vocabulary())];
            results.add(logits);
            for (int from = 0; from < tokens; ) {
                int count = Math.min(tokens - from, MOST_ROWS - batch.rows());
                batch.add(chunk, (HalfCache) chunk.sequence(), from, count, logits);
                from += count;
                if (batch.rows() == MOST_ROWS) {
                    forward.run(batch);
                    batch = new Batch();
                }
            }
        }
        if (batch.rows() > 0) {
            forward.run(batch);
        }
        for (Chunk chunk : chunks) {
            ((HalfCache) chunk.sequence()).advance(chunk.ids().length);
        }
        return results;
    }

    private void check(List<Chunk> chunks) {
        Set<Sequence> seen = new HashSet<>();
        for (Chunk chunk : chunks) {
            if (!(chunk.sequence() instanceof HalfCache cache) || cache.closed() || !seen.add(cache)) {
                throw new IllegalArgumentException("a sequence is closed, of another engine, or twice in a step");
            }
            if (chunk.ids().length == 0) {
                throw new IllegalArgumentException("a chunk of no tokens");
            }
            for (int id : chunk.ids()) {
                if (id < 0 || id >= vocabulary()) {
                    throw new InputException(
                            "HT-913",
                            spec.family(),
                            "token %d; the vocabulary has %d".formatted(id, vocabulary()),
                            "use the model's own tokenizer");
                }
            }
            int length = cache.length() + chunk.ids().length;
            if (length > cache.capacity()) {
                throw new InputException(
                        "HT-914",
                        spec.family(),
                        "%d tokens in a sequence that was opened for %d".formatted(length, cache.capacity()),
                        "open it for more");
            }
        }
    }

    @Override
    public void close() {
        pool.close();
        matrices.close();
    }
}
