package dev.halftone.runtime;

import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.PlainCache;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * The engine that {@code eval} is: weights decoded to floats, products by libtorch, a chunk by one thread. Every model that
 * Halftone reads runs in it; it is what faster engines are compared with.
 */
public final class FloatEngine implements TokenEngine {
    private final Decoder decoder;
    private final Workers workers;

    /**
     * Loads all blocks.
     *
     * @param file the caller closes it after this
     * @throws InputException HT-930 for an encoder
     */
    public FloatEngine(ModelFile file, Compute compute, int threads) {
        if (file.spec().encoder()) {
            throw new InputException(
                    "HT-930",
                    file.path().toString(),
                    "is an encoder, which predicts no tokens",
                    "use a decoder, such as zoo:llama-nano");
        }
        this.decoder = file.decoder(compute);
        this.workers = new Workers(threads);
        decoder.keepBlocks();
    }

    @Override
    public String description() {
        return "float (libtorch, %s, %s), %d %s"
                .formatted(
                        decoder.compute().type().label(),
                        decoder.compute().device(),
                        workers.threads(),
                        workers.threads() == 1 ? "thread" : "threads");
    }

    @Override
    public int vocabulary() {
        return Math.toIntExact(decoder.spec().embedding().vocabulary());
    }

    @Override
    public int contextLength() {
        return decoder.spec().contextLength();
    }

    @Override
    public Sequence open(int room) {
        return new Kept(new PlainCache(decoder.spec(), decoder.compute(), room));
    }

    @Override
    public List<float[]> step(List<Chunk> chunks) {
        float[][] logits = new float[chunks.size()][];
        workers.forEach(logits.length, i -> logits[i] = read(chunks.get(i)));
        return Arrays.asList(logits);
    }

    private float[] read(Chunk chunk) {
        if (!(chunk.sequence() instanceof Kept(PlainCache cache))) {
            throw new IllegalArgumentException("a sequence of another engine");
        }
        Tensor logits = chunk.allLogits()
                ? decoder.forwardCached(chunk.ids(), cache, SiteObserver.NONE)
                : decoder.nextLogits(chunk.ids(), cache);
        return Tensors.floats(logits);
    }

    @Override
    public void close() {
        workers.close();
        decoder.close();
    }

    private record Kept(PlainCache cache) implements Sequence {
        @Override
        public int length() {
            return cache.length();
        }

        @Override
        public void truncate(int length) {
            cache.truncate(length);
        }

        @Override
        public void close() {
            cache.close();
        }
    }
}
