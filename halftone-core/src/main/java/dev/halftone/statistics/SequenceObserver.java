package dev.halftone.statistics;

import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Tensors;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Tensor;

/** Collects one sequence's statistics in one block, and hands them over when the block's output has been seen. */
final class SequenceObserver implements SiteObserver {
    private final Map<String, SiteStatistics> sites = new HashMap<>();
    private final int sequence;
    private final int[] ids;
    private final long seed;
    private final boolean probabilities;
    private final OutlierChannels.Sequence hits;
    private final Buffers buffers;
    private final Consumer<BlockStatistics> done;
    private BlockStatistics block;

    /** Arrays that are used again: new ones for every site would cost more than the statistics. */
    static final class Buffers {
        private final ConcurrentLinkedDeque<float[]> free = new ConcurrentLinkedDeque<>();

        /** An array of at least that length; what is in it means nothing. */
        float[] take(int length) {
            float[] buffer = free.poll();
            return buffer == null || buffer.length < length ? new float[length] : buffer;
        }

        void giveBack(float[] buffer) {
            free.push(buffer);
        }
    }

    SequenceObserver(
            BlockStatistics empty,
            int sequence,
            int[] ids,
            long seed,
            boolean probabilities,
            OutlierChannels.Sequence hits,
            Buffers buffers,
            Consumer<BlockStatistics> done) {
        this.block = empty;
        this.sequence = sequence;
        this.ids = ids;
        this.seed = seed;
        this.probabilities = probabilities;
        this.hits = hits;
        this.buffers = buffers;
        this.done = done;
        empty.sites().forEach(site -> sites.put(site.site().name(), site));
    }

    @Override
    public boolean probabilities() {
        return probabilities;
    }

    @Override
    public void observe(String name, Tensor value) {
        if (name.endsWith(".attention.probabilities")) {
            block = new BlockStatistics(block.index(), block.sites(), block.massive(), AttentionSinks.of(value));
        }
        SiteStatistics statistics = sites.get(name);
        if (statistics == null) {
            return;
        }
        // Queries, keys and values come as (heads, tokens, headDim).
        Tensor rows = value.dim() == 3 ? value.transpose(0, 1).reshape(value.size(1), -1) : value;
        Site site = statistics.site();
        float[] x = buffers.take(ids.length * site.channels());
        Tensors.read(rows, x);
        if (site.kind() == Site.Kind.EXPERT_INPUT) {
            statistics.addSome(x, Math.toIntExact(rows.size(0)), sequence, seed);
        } else {
            statistics.add(x, sequence, ids, seed);
        }
        switch (site.kind()) {
            case ATTENTION_INPUT, MLP_INPUT -> hits.see(x, site.channels());
            case RESIDUAL ->
                done.accept(new BlockStatistics(
                        block.index(),
                        block.sites(),
                        MassiveActivations.of(x, ids.length * site.channels(), statistics.all()),
                        block.sinks()));
            case QUERIES, KEYS, VALUES, ROPE_QUERIES, ROPE_KEYS, OUTPUT_INPUT, DOWN_INPUT, EXPERT_INPUT -> {}
        }
        buffers.giveBack(x);
    }
}
