package dev.halftone.statistics;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Statistics of all sites of a model on calibration sequences. Raw accumulators: metrics are derived by {@link TensorMetrics}. */
public record ModelStatistics(Source source, List<BlockStatistics> blocks, OutlierChannels outlierChannels) {
    /**
     * What was run on what.
     *
     * @param model SHA-256 over the model's files
     * @param sets SHA-256 of the token ids of each calibration set
     */
    public record Source(String model, List<String> sets, long sequences, long tokens) {
        Source merged(Source other) {
            return new Source(
                    model,
                    Stream.concat(sets.stream(), other.sets.stream()).toList(),
                    sequences + other.sequences,
                    tokens + other.tokens);
        }
    }

    /** All sites, block by block. */
    public List<SiteStatistics> sites() {
        return blocks.stream().flatMap(block -> block.sites().stream()).toList();
    }

    /** The sites of one kind, a block each. */
    public List<SiteStatistics> sites(Site.Kind kind) {
        return sites().stream().filter(site -> site.site().kind() == kind).toList();
    }

    /**
     * Both together.
     *
     * @throws InputException HT-641 if they are of different models, HT-642 if a calibration set is in both
     */
    public ModelStatistics merged(ModelStatistics other, String place) {
        boolean sameSites = sites().stream()
                .map(SiteStatistics::site)
                .toList()
                .equals(other.sites().stream().map(SiteStatistics::site).toList());
        if (!source.model().equals(other.source.model()) || !sameSites) {
            throw new InputException(
                    "HT-641",
                    place,
                    "statistics of another model (SHA-256 " + other.source.model() + ", expected " + source.model()
                            + ")",
                    "merge statistics of one model");
        }
        for (String set : other.source.sets()) {
            if (source.sets().contains(set)) {
                throw new InputException(
                        "HT-642",
                        place,
                        "calibration set " + set + " is counted already",
                        "merge statistics of different sequences");
            }
        }
        List<BlockStatistics> both = new ArrayList<>();
        for (int i = 0; i < blocks.size(); i++) {
            both.add(blocks.get(i).merged(other.blocks.get(i)));
        }
        OutlierChannels channels =
                new OutlierChannels(blocks.size(), outlierChannels.all().union().length);
        channels.merge(outlierChannels);
        channels.merge(other.outlierChannels);
        return new ModelStatistics(source.merged(other.source), both, channels);
    }
}
