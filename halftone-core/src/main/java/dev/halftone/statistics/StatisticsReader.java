package dev.halftone.statistics;

import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.statistics.Accumulator.Limits;
import dev.halftone.statistics.Accumulator.Totals;
import dev.halftone.statistics.ModelStatistics.Source;
import dev.halftone.statistics.OutlierChannels.Counts;
import dev.halftone.statistics.TopValues.Entry;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Limits, sites and arrays of an open file. */
final class StatisticsReader {
    private static final int HISTOGRAM = 1 + 2 * LogHistogram.BINS;

    private final SafetensorsFile file;
    private final TensorArrays arrays;

    StatisticsReader(SafetensorsFile file) {
        this.file = file;
        this.arrays = new TensorArrays(file);
    }

    ModelStatistics read() {
        String version = file.metadata().getOrDefault(StatisticsFile.VERSION_KEY, "none");
        if (!version.equals(String.valueOf(StatisticsFile.VERSION))) {
            throw arrays.error(
                    StatisticsFile.VERSION_KEY,
                    "statistics of version " + version + "; this build reads version " + StatisticsFile.VERSION);
        }
        String[] limits = text("limits").split(" ", -1);
        Limits kept = new Limits(number("limits", limits[0]), number("limits", limits[limits.length - 1]));
        List<Site> sites = text("sites").lines().map(this::site).toList();
        Map<Integer, List<SiteStatistics>> byBlock = new LinkedHashMap<>();
        for (int s = 0; s < sites.size(); s++) {
            Site site = sites.get(s);
            byBlock.computeIfAbsent(site.block(), _ -> new ArrayList<>())
                    .add(new SiteStatistics(
                            site,
                            accumulator(s + ".first.", site, kept),
                            accumulator(s + ".rest.", site, kept),
                            PositionProfile.of(arrays.doubles(s + ".positions", -1, 3))));
        }
        List<BlockStatistics> blocks = new ArrayList<>();
        byBlock.forEach((index, members) -> blocks.add(new BlockStatistics(
                index,
                members,
                MassiveActivations.of(arrays.doubles("block." + index + ".massive", 7, 1)),
                AttentionSinks.of(arrays.doubles("block." + index + ".sinks", -1, 1)))));
        if (blocks.isEmpty()) {
            throw arrays.error("sites", "no sites");
        }
        Source source = new Source(
                text("model"),
                List.of(text("sets").split(" ", -1)),
                number("sequences", text("sequences")),
                number("tokens", text("tokens")));
        return new ModelStatistics(
                source,
                blocks,
                new OutlierChannels(counts("outliers.all.", blocks.size()), counts("outliers.rest.", blocks.size())));
    }

    private Site site(String line) {
        String[] fields = line.split(",", 4);
        if (fields.length < 4) {
            throw arrays.error("sites", "a line \"" + line + "\"");
        }
        try {
            return new Site(
                    fields[2], number("sites", fields[0]), Site.Kind.labelled(fields[3]), number("sites", fields[1]));
        } catch (IllegalArgumentException e) {
            throw arrays.error("sites", "a line \"" + line + "\"");
        }
    }

    private Accumulator accumulator(String prefix, Site site, Limits limits) {
        long[] counts = arrays.longs(prefix + "counts", 5, 1);
        double[] sums = arrays.doubles(prefix + "sums", 7, 1);
        Totals totals = new Totals(
                new Moments(counts[0], sums[0], sums[1], sums[2], sums[3]),
                sums[4],
                sums[5],
                counts[1],
                counts[2],
                sums[6],
                counts[3]);
        TopValues top = new TopValues(limits.top());
        double[] entries = arrays.doubles(prefix + "top", -1, 5);
        for (int i = 0; i < entries.length; i += 5) {
            top.add(new Entry(
                    (float) entries[i], (int) entries[i + 1], (int) entries[i + 2], (int) entries[i + 3], (int)
                            entries[i + 4]));
        }
        long[] keys = arrays.longs(prefix + "sample_keys", -1, 1);
        return new Accumulator(
                limits,
                totals,
                ChannelSums.of(arrays.doubles(prefix + "channels", 5 * site.channels(), 5)),
                LogHistogram.of(arrays.longs(prefix + "histogram", HISTOGRAM, 1)),
                LogHistogram.of(arrays.longs(prefix + "token_histogram", HISTOGRAM, 1)),
                top,
                Sample.of(
                        limits.sample(), (int) counts[4], keys, arrays.floats(prefix + "sample_values", keys.length)));
    }

    private Counts counts(String prefix, int blocks) {
        long[] union = arrays.longs(prefix + "union", -1, 1);
        long[] flat = arrays.longs(prefix + "hits", blocks * union.length, 1);
        long[][] hits = new long[blocks][];
        Arrays.setAll(hits, b -> Arrays.copyOfRange(flat, b * union.length, (b + 1) * union.length));
        return new Counts(arrays.longs(prefix + "tokens", 1, 1), hits, union);
    }

    private String text(String key) {
        String value = file.metadata().get(key);
        if (value == null) {
            throw arrays.error(key, "no such metadata");
        }
        return value;
    }

    private int number(String key, String digits) {
        try {
            return Integer.parseUnsignedInt(digits);
        } catch (NumberFormatException e) {
            throw arrays.error(key, "\"" + digits + "\" is no number");
        }
    }
}
