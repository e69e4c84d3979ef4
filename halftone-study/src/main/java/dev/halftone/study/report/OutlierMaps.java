package dev.halftone.study.report;

import dev.halftone.statistics.Accumulator;
import dev.halftone.statistics.LogHistogram;
import dev.halftone.statistics.ModelStatistics;
import dev.halftone.statistics.OutlierChannels;
import dev.halftone.statistics.Site;
import dev.halftone.statistics.SiteStatistics;
import dev.halftone.statistics.StatisticsFile;
import dev.halftone.statistics.TensorMetrics;
import dev.halftone.study.analysis.StudyData.MapRow;
import dev.halftone.study.report.ReportDocument.Kind;
import dev.halftone.study.report.ReportDocument.Outliers;
import dev.halftone.study.report.ReportDocument.Overlap;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** The statistics files of a study as a report shows them. */
final class OutlierMaps {
    private static final List<Site.Kind> KINDS =
            List.of(Site.Kind.ATTENTION_INPUT, Site.Kind.MLP_INPUT, Site.Kind.DOWN_INPUT, Site.Kind.RESIDUAL);
    private static final int COLUMNS = 192;
    private static final int JOINED = 4;
    private static final int DIGITS = 4;

    private final Map<MapRow, ModelStatistics> statistics = new LinkedHashMap<>();

    OutlierMaps(Path directory, List<MapRow> maps) {
        maps.forEach(map -> statistics.put(map, StatisticsFile.read(directory.resolve(map.file()))));
    }

    List<Outliers> all() {
        List<Outliers> all = new ArrayList<>();
        statistics.forEach((map, found) -> all.add(new Outliers(
                map.model(),
                map.set(),
                map.sequences(),
                map.tokens(),
                KINDS.stream().map(kind -> kind(kind, found.sites(kind))).toList(),
                int8(found).size(),
                found.blocks().stream()
                        .mapToDouble(block -> block.massive().meanMedian() == 0
                                ? 0
                                : block.massive().meanLargest(0)
                                        / block.massive().meanMedian())
                        .max()
                        .orElse(0))));
        return all;
    }

    private static Kind kind(Site.Kind kind, List<SiteStatistics> sites) {
        List<TensorMetrics> all =
                sites.stream().map(site -> TensorMetrics.of(site.all())).toList();
        List<TensorMetrics> rest =
                sites.stream().map(site -> TensorMetrics.of(site.rest())).toList();
        List<TensorMetrics> first =
                sites.stream().map(site -> TensorMetrics.of(site.first())).toList();
        double[][] channels = sites.stream()
                .map(site -> doubles(site.all().channels().largest()))
                .toArray(double[][]::new);
        double[][] positions =
                sites.stream().map(site -> site.positions().largest()).toArray(double[][]::new);
        return new Kind(
                kind.label(),
                values(all, TensorMetrics::kurtosis),
                values(rest, TensorMetrics::kurtosis),
                values(first, TensorMetrics::kurtosis),
                values(all, TensorMetrics::maxToMedian),
                values(rest, TensorMetrics::maxToMedian),
                histogram(sites),
                joined(channels),
                perColumn(channels),
                joined(positions),
                perColumn(positions));
    }

    private static List<Double> values(List<TensorMetrics> metrics, Function<TensorMetrics, Double> figure) {
        return metrics.stream().map(m -> rounded(figure.apply(m))).toList();
    }

    private static double[] doubles(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }

    private static int perColumn(double[][] rows) {
        return rows.length == 0 ? 1 : Math.ceilDiv(rows[0].length, COLUMNS);
    }

    private static List<List<Double>> joined(double[][] rows) {
        int width = perColumn(rows);
        List<List<Double>> all = new ArrayList<>();
        for (double[] row : rows) {
            all.add(IntStream.range(0, Math.ceilDiv(row.length, width))
                    .mapToObj(i -> rounded(DoubleStream.of(row)
                            .skip((long) i * width)
                            .limit(width)
                            .max()
                            .orElse(0)))
                    .toList());
        }
        return all;
    }

    /** Few digits: a page holds many. */
    private static double rounded(double value) {
        if (value == 0 || !Double.isFinite(value)) {
            return 0;
        }
        double unit = Math.pow(10, DIGITS - 1 - Math.floor(Math.log10(Math.abs(value))));
        return Math.round(value * unit) / unit;
    }

    /** Bins of half an octave, empty ones left out. */
    private static List<List<Double>> histogram(List<SiteStatistics> sites) {
        long[] counts = new long[LogHistogram.BINS];
        for (SiteStatistics site : sites) {
            long[] own = site.all().histogram().magnitudes();
            for (int i = 0; i < counts.length; i++) {
                counts[i] += own[i];
            }
        }
        double total = Math.max(
                1, IntStream.range(0, counts.length).mapToLong(i -> counts[i]).sum());
        List<List<Double>> points = new ArrayList<>();
        for (int bin = 1; bin + JOINED < counts.length; bin += JOINED) {
            long count = 0;
            for (int i = bin; i < bin + JOINED; i++) {
                count += counts[i];
            }
            double lower = Math.log(LogHistogram.lower(bin)) / Math.log(2);
            double upper = Math.log(LogHistogram.lower(bin + JOINED)) / Math.log(2);
            if (count > 0) {
                points.add(List.of(rounded((lower + upper) / 2), rounded(count / total / (upper - lower))));
            }
        }
        return points;
    }

    private static Set<Integer> int8(ModelStatistics statistics) {
        return statistics.outlierChannels().channels(false).stream()
                .filter(OutlierChannels.Channel::outlier)
                .map(OutlierChannels.Channel::channel)
                .collect(Collectors.toSet());
    }

    /** Every two sets of a model. */
    List<Overlap> overlaps() {
        List<Overlap> overlaps = new ArrayList<>();
        List<MapRow> maps = List.copyOf(statistics.keySet());
        for (int i = 0; i < maps.size(); i++) {
            for (int j = i + 1; j < maps.size(); j++) {
                if (maps.get(i).model().equals(maps.get(j).model())) {
                    for (Site.Kind kind : List.of(Site.Kind.ATTENTION_INPUT, Site.Kind.MLP_INPUT)) {
                        overlaps.add(overlap(maps.get(i), maps.get(j), kind));
                    }
                }
            }
        }
        return overlaps;
    }

    private Overlap overlap(MapRow a, MapRow b, Site.Kind kind) {
        ModelStatistics first = found(a);
        ModelStatistics second = found(b);
        List<SiteStatistics> x = first.sites(kind);
        List<SiteStatistics> y = second.sites(kind);
        double top = IntStream.range(0, x.size())
                .mapToDouble(i -> overlap(x.get(i).all(), y.get(i).all()))
                .average()
                .orElse(0);
        Set<Integer> both = new HashSet<>(int8(first));
        both.retainAll(int8(second));
        Set<Integer> any = new HashSet<>(int8(first));
        any.addAll(int8(second));
        return new Overlap(
                a.model(),
                kind.label(),
                a.set(),
                b.set(),
                rounded(top),
                any.isEmpty() ? 1 : rounded((double) both.size() / any.size()));
    }

    private ModelStatistics found(MapRow map) {
        ModelStatistics found = statistics.get(map);
        if (found == null) {
            throw new IllegalStateException("no statistics of " + map);
        }
        return found;
    }

    private static double overlap(Accumulator a, Accumulator b) {
        return TensorMetrics.overlap(a, b, Math.max(1, a.channels().channels() / 100));
    }
}
