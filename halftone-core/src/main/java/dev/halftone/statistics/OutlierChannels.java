package dev.halftone.statistics;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Outlier features by the rule of LLM.int8: a channel of the hidden states that reaches {@link #MAGNITUDE} in at least
 * {@link #BLOCKS} of the blocks and at {@link #TOKENS} of the positions.
 *
 * <p>Source: Dettmers et al., arXiv:2208.07339, section 4.1. The hidden states are the inputs of the attention projections and
 * of the first MLP projection; a block has a hit where either has one. The share of positions is read in two ways: positions
 * where any block has a hit (the rule here), and pairs of block and position.
 */
public final class OutlierChannels {
    public static final double MAGNITUDE = 6;
    public static final double BLOCKS = 0.25;
    public static final double TOKENS = 0.06;

    private final Counts all;
    private final Counts rest;

    /**
     * Of all tokens, or of those behind position 0.
     *
     * @param hits [block][channel]: tokens with a hit
     * @param union [channel]: tokens with a hit in any block
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Counts(long[] tokens, long[][] hits, long[] union) {
        static Counts empty(int blocks, int channels) {
            return new Counts(new long[1], new long[blocks][channels], new long[channels]);
        }

        void merge(Counts other) {
            tokens[0] += other.tokens[0];
            for (int c = 0; c < union.length; c++) {
                union[c] += other.union[c];
            }
            for (int b = 0; b < hits.length; b++) {
                for (int c = 0; c < union.length; c++) {
                    hits[b][c] += other.hits[b][c];
                }
            }
        }
    }

    /**
     * A channel with a hit.
     *
     * @param blocks blocks in which it has one
     * @param tokenShare share of the positions at which some block has one
     * @param pairShare share of the pairs of block and position
     * @param outlier it passes the rule
     */
    public record Channel(
            int channel, int blocks, double blockShare, double tokenShare, double pairShare, boolean outlier) {}

    public OutlierChannels(int blocks, int channels) {
        this(Counts.empty(blocks, channels), Counts.empty(blocks, channels));
    }

    OutlierChannels(Counts all, Counts rest) {
        this.all = all;
        this.rest = rest;
    }

    Counts all() {
        return all;
    }

    Counts rest() {
        return rest;
    }

    /** The hits of one sequence on its way through the blocks, one after the other. */
    public static final class Sequence {
        private final Map<Integer, BitSet> block = new HashMap<>();
        private final Map<Integer, BitSet> any = new HashMap<>();
        private final int tokens;

        public Sequence(int tokens) {
            this.tokens = tokens;
        }

        /** Looks at a hidden state of the current block: x (tokens, channels). */
        public void see(float[] x, int channels) {
            for (int i = 0; i < tokens * channels; i++) {
                float magnitude = Math.abs(x[i]);
                if (magnitude >= MAGNITUDE && magnitude < Float.POSITIVE_INFINITY) {
                    block.computeIfAbsent(i % channels, _ -> new BitSet(tokens)).set(i / channels);
                }
            }
        }
    }

    /** Takes over the sequence's hits in the current block. Counts only, so the order of the sequences does not matter. */
    public synchronized void endBlock(int index, Sequence sequence) {
        sequence.block.forEach((channel, bits) -> {
            int hits = bits.cardinality();
            all.hits[index][channel] += hits;
            rest.hits[index][channel] += hits - (bits.get(0) ? 1 : 0);
            sequence.any.computeIfAbsent(channel, _ -> new BitSet()).or(bits);
        });
        sequence.block.clear();
    }

    /** Takes over a sequence after its last block. */
    public synchronized void end(Sequence sequence) {
        all.tokens[0] += sequence.tokens;
        rest.tokens[0] += sequence.tokens - 1;
        sequence.any.forEach((channel, bits) -> {
            int hits = bits.cardinality();
            all.union[channel] += hits;
            rest.union[channel] += hits - (bits.get(0) ? 1 : 0);
        });
    }

    void merge(OutlierChannels other) {
        all.merge(other.all);
        rest.merge(other.rest);
    }

    /**
     * Channels with a hit, those in most positions first.
     *
     * @param withoutFirst leave out position 0
     */
    public List<Channel> channels(boolean withoutFirst) {
        Counts counts = withoutFirst ? rest : all;
        double tokens = Math.max(1, counts.tokens[0]);
        int blocks = counts.hits.length;
        List<Channel> found = new ArrayList<>();
        for (int c = 0; c < counts.union.length; c++) {
            int hitBlocks = 0;
            long pairs = 0;
            for (long[] hits : counts.hits) {
                hitBlocks += hits[c] > 0 ? 1 : 0;
                pairs += hits[c];
            }
            if (hitBlocks > 0) {
                double blockShare = (double) hitBlocks / blocks;
                double tokenShare = counts.union[c] / tokens;
                found.add(new Channel(
                        c,
                        hitBlocks,
                        blockShare,
                        tokenShare,
                        pairs / (tokens * blocks),
                        blockShare >= BLOCKS && tokenShare >= TOKENS));
            }
        }
        found.sort(Comparator.comparingDouble(Channel::tokenShare).reversed().thenComparingInt(Channel::channel));
        return found;
    }
}
