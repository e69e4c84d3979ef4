package dev.halftone.statistics;

import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.Sequences;
import dev.halftone.statistics.Accumulator.Limits;
import dev.halftone.statistics.ModelStatistics.Source;
import dev.halftone.tensor.Workers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs sequences through a model, one block in memory at a time, and keeps statistics of every site. Each sequence has its own
 * accumulators, which are merged in the order of the sequences whatever thread filled them.
 */
public final class StatisticsService {
    private final Decoder decoder;
    private final Options options;
    private final Workers workers;

    /**
     * How much is looked at.
     *
     * @param limits of each accumulator; at least 3 top values
     * @param sinkSequences so many sequences show their attention probabilities, which cost a product of their own
     * @param seed of the samples
     */
    public record Options(Limits limits, int sinkSequences, long seed) {
        public static final Options DEFAULT = new Options(new Limits(16, 4096), 8, 1);
    }

    /** Called after each block: blocks done, blocks in all. */
    @FunctionalInterface
    public interface Progress {
        void update(int done, int total);
    }

    public StatisticsService(Decoder decoder, Options options, Workers workers) {
        this.decoder = decoder;
        this.options = options;
        this.workers = workers;
    }

    /**
     * Statistics of the sequences.
     *
     * @param model SHA-256 over the model's files
     * @param set SHA-256 of the sequences' token ids
     * @param spill directory for activations that do not fit into memory
     */
    public ModelStatistics of(List<int[]> sequences, String model, String set, Path spill, Progress progress) {
        DecoderSpec spec = decoder.spec();
        int positions = sequences.stream().mapToInt(ids -> ids.length).max().orElse(0);
        OutlierChannels channels = new OutlierChannels(spec.layers(), spec.hidden());
        List<OutlierChannels.Sequence> hits = sequences.stream()
                .map(ids -> new OutlierChannels.Sequence(ids.length))
                .toList();
        List<BlockStatistics> blocks = new ArrayList<>();
        SequenceObserver.Buffers buffers = new SequenceObserver.Buffers();
        try (Sequences running = new Sequences(decoder, sequences, workers, spill)) {
            for (int b = 0; b < spec.layers(); b++) {
                OrderedMerge merge = new OrderedMerge();
                int index = b;
                try (DecoderBlock block = decoder.block(index)) {
                    running.forward(block, i -> {
                        int[] ids = sequences.get(i);
                        return new SequenceObserver(
                                BlockStatistics.empty(spec, index, options.limits(), positions),
                                i,
                                ids,
                                options.seed(),
                                i < options.sinkSequences(),
                                hits.get(i),
                                buffers,
                                found -> {
                                    channels.endBlock(index, hits.get(i));
                                    merge.add(i, found);
                                });
                    });
                }
                blocks.add(merge.result());
                progress.update(b + 1, spec.layers());
            }
            long tokens = running.tokens();
            hits.forEach(channels::end);
            return new ModelStatistics(
                    new Source(model, List.of(set), sequences.size(), tokens), List.copyOf(blocks), channels);
        }
    }

    /** Merges in the order of the numbers; what comes too early waits, its thread does not. */
    private static final class OrderedMerge {
        private final Map<Integer, BlockStatistics> early = new HashMap<>();
        private final List<BlockStatistics> merged = new ArrayList<>();
        private int next;

        synchronized void add(int number, BlockStatistics statistics) {
            early.put(number, statistics);
            for (BlockStatistics ready = early.remove(next); ready != null; ready = early.remove(next)) {
                BlockStatistics sum =
                        merged.isEmpty() ? ready : merged.removeLast().plus(ready);
                merged.add(sum);
                next++;
            }
        }

        synchronized BlockStatistics result() {
            return merged.getFirst();
        }
    }
}
