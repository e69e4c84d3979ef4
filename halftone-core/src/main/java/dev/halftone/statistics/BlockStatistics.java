package dev.halftone.statistics;

import dev.halftone.model.DecoderSpec;
import dev.halftone.statistics.Accumulator.Limits;
import java.util.ArrayList;
import java.util.List;

/**
 * Statistics of a block.
 *
 * @param sites in the order in which they run
 */
public record BlockStatistics(int index, List<SiteStatistics> sites, MassiveActivations massive, AttentionSinks sinks) {
    static BlockStatistics empty(DecoderSpec spec, int index, Limits limits, int positions) {
        return new BlockStatistics(
                index,
                Site.of(spec, index).stream()
                        .map(site -> SiteStatistics.empty(site, limits, positions))
                        .toList(),
                MassiveActivations.empty(),
                AttentionSinks.empty(spec.attention().heads()));
    }

    /** The block with another sequence's added; the accumulators of this one are used on. */
    BlockStatistics plus(BlockStatistics other) {
        for (int i = 0; i < sites.size(); i++) {
            sites.get(i).merge(other.sites.get(i));
        }
        return new BlockStatistics(index, sites, massive.merged(other.massive), sinks.merged(other.sinks));
    }

    /** Both together; neither is changed. */
    BlockStatistics merged(BlockStatistics other) {
        List<SiteStatistics> both = new ArrayList<>();
        for (int i = 0; i < sites.size(); i++) {
            both.add(sites.get(i).merged(other.sites.get(i)));
        }
        return new BlockStatistics(index, both, massive.merged(other.massive), sinks.merged(other.sinks));
    }
}
