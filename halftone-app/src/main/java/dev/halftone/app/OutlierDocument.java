package dev.halftone.app;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.provenance.Provenance;
import dev.halftone.statistics.AttentionSinks;
import dev.halftone.statistics.BlockStatistics;
import dev.halftone.statistics.LogHistogram;
import dev.halftone.statistics.MassiveActivations;
import dev.halftone.statistics.ModelStatistics;
import dev.halftone.statistics.OutlierChannels;
import dev.halftone.statistics.Site;
import dev.halftone.statistics.SiteStatistics;
import dev.halftone.statistics.TensorMetrics;
import dev.halftone.statistics.TopValues;
import dev.halftone.statistics.WeightMetrics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What {@code outliers --json} prints.
 *
 * @param calibration null where all statistics came from files
 * @param sets SHA-256 of the token ids of each calibration set
 * @param verdicts the same sentences as in the table
 */
record OutlierDocument(
        int schema,
        String model,
        CalibrationSet.@Nullable Report calibration,
        List<String> sets,
        long sequences,
        long tokens,
        List<String> verdicts,
        List<SiteEntry> sites,
        List<MassiveEntry> massiveActivations,
        Features llmInt8,
        List<SinkEntry> attentionSinks,
        List<WeightMetrics> weights,
        double seconds,
        long peakMemoryBytes,
        Provenance provenance) {
    static final int SCHEMA = 1;

    /** Below both, and without an LLM.int8 channel, a site counts as free of outliers: a rule of thumb. */
    static final double KURTOSIS = 10;

    static final double SPREAD = 8;

    /**
     * A site.
     *
     * @param all of all tokens; {@code withoutFirst} leaves out position 0, {@code first} is that alone
     * @param outlierFree by the rule of thumb, on all tokens
     * @param histogram of |x| of all tokens
     */
    record SiteEntry(
            String name,
            int block,
            String kind,
            int channels,
            TensorMetrics all,
            TensorMetrics withoutFirst,
            TensorMetrics first,
            boolean outlierFree,
            boolean outlierFreeWithoutFirst,
            Histogram histogram) {}

    /**
     * Eight bins per octave.
     *
     * @param below lower edge of the first bin
     * @param counts of |x| from there on
     */
    record Histogram(long zeros, double below, List<Long> counts) {
        static Histogram of(LogHistogram histogram) {
            long[] all = histogram.magnitudes();
            int from = 0;
            int to = all.length;
            while (from < to && all[from] == 0) {
                from++;
            }
            while (to > from && all[to - 1] == 0) {
                to--;
            }
            return new Histogram(
                    histogram.zeros(),
                    from < to ? LogHistogram.lower(from) : 0,
                    Arrays.stream(all, from, to).boxed().toList());
        }
    }

    /** The residual stream behind a block, means over the sequences. */
    record MassiveEntry(
            int block,
            double largest,
            double second,
            double third,
            double median,
            double largestToMedian,
            long massive,
            long relative,
            List<Place> values) {}

    /** A value, and the token at which it is. */
    record Place(double value, int sequence, int position, int channel, int token, String text) {}

    /** LLM.int8 channels; all channels with a hit are listed, at most 64. */
    record Features(
            int outliers,
            int outliersWithoutFirst,
            List<OutlierChannels.Channel> all,
            List<OutlierChannels.Channel> withoutFirst) {
        private static final int MOST = 64;

        static Features of(OutlierChannels channels) {
            List<OutlierChannels.Channel> all = channels.channels(false);
            List<OutlierChannels.Channel> rest = channels.channels(true);
            return new Features(
                    count(all),
                    count(rest),
                    all.stream().limit(MOST).toList(),
                    rest.stream().limit(MOST).toList());
        }

        private static int count(List<OutlierChannels.Channel> channels) {
            return (int)
                    channels.stream().filter(OutlierChannels.Channel::outlier).count();
        }
    }

    /** Mean attention to the first keys, and alpha_0 of each head. */
    record SinkEntry(int block, long queries, int sinkHeads, List<Double> alpha, List<Double> alpha0OfHeads) {
        static SinkEntry of(BlockStatistics block) {
            AttentionSinks sinks = block.sinks();
            return new SinkEntry(
                    block.index(),
                    sinks.queries(),
                    sinks.sinkHeads(),
                    IntStream.range(0, AttentionSinks.KEYS)
                            .mapToObj(sinks::alpha)
                            .toList(),
                    IntStream.range(0, sinks.heads())
                            .mapToObj(head -> sinks.alpha(head, 0))
                            .toList());
        }
    }

    static List<SiteEntry> sites(ModelStatistics statistics) {
        Set<Integer> all = outliers(statistics.outlierChannels(), false);
        Set<Integer> rest = outliers(statistics.outlierChannels(), true);
        List<SiteEntry> entries = new ArrayList<>();
        for (SiteStatistics s : statistics.sites()) {
            TensorMetrics together = TensorMetrics.of(s.all());
            TensorMetrics withoutFirst = TensorMetrics.of(s.rest());
            entries.add(new SiteEntry(
                    s.site().name(),
                    s.site().block(),
                    s.site().kind().label(),
                    s.site().channels(),
                    together,
                    withoutFirst,
                    TensorMetrics.of(s.first()),
                    free(s.site(), together, s.all().channels().largest(), all),
                    free(s.site(), withoutFirst, s.rest().channels().largest(), rest),
                    Histogram.of(s.all().histogram())));
        }
        return entries;
    }

    private static Set<Integer> outliers(OutlierChannels channels, boolean withoutFirst) {
        Set<Integer> found = new HashSet<>();
        channels.channels(withoutFirst).stream()
                .filter(OutlierChannels.Channel::outlier)
                .forEach(channel -> found.add(channel.channel()));
        return found;
    }

    private static boolean free(Site site, TensorMetrics metrics, float[] largest, Set<Integer> outliers) {
        boolean hidden = site.kind() == Site.Kind.ATTENTION_INPUT || site.kind() == Site.Kind.MLP_INPUT;
        return metrics.kurtosis() < KURTOSIS
                && metrics.channelSpread() < SPREAD
                && !(hidden && outliers.stream().anyMatch(c -> largest[c] >= OutlierChannels.MAGNITUDE));
    }

    /** @param text of a token id */
    static List<MassiveEntry> massive(ModelStatistics statistics, IntFunction<String> text) {
        List<MassiveEntry> entries = new ArrayList<>();
        for (BlockStatistics block : statistics.blocks()) {
            MassiveActivations massive = block.massive();
            List<TopValues.Entry> top = block.sites().getLast().all().top().entries();
            entries.add(new MassiveEntry(
                    block.index(),
                    massive.meanLargest(0),
                    massive.meanLargest(1),
                    massive.meanLargest(2),
                    massive.meanMedian(),
                    massive.meanMedian() == 0 ? 0 : massive.meanLargest(0) / massive.meanMedian(),
                    massive.massive(),
                    massive.relative(),
                    top.stream()
                            .map(e -> new Place(
                                    e.value(),
                                    e.sequence(),
                                    e.position(),
                                    e.channel(),
                                    e.token(),
                                    text.apply(e.token())))
                            .toList()));
        }
        return entries;
    }
}
