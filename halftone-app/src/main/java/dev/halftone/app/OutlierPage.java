package dev.halftone.app;

import dev.halftone.app.OutlierDocument.MassiveEntry;
import dev.halftone.app.OutlierDocument.Place;
import dev.halftone.app.OutlierDocument.SinkEntry;
import dev.halftone.app.OutlierDocument.SiteEntry;
import dev.halftone.report.Axis;
import dev.halftone.report.HeatMap;
import dev.halftone.report.LineChart;
import dev.halftone.report.Page;
import dev.halftone.statistics.Accumulator;
import dev.halftone.statistics.LogHistogram;
import dev.halftone.statistics.ModelStatistics;
import dev.halftone.statistics.Site;
import dev.halftone.statistics.SiteStatistics;
import dev.halftone.statistics.WeightMetrics;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/** The outliers of a model as a page: sentences, curves over the blocks, and for each kind of site its maps and histograms. */
final class OutlierPage {
    private static final int PLACES = 12;
    /** Positions that are shown larger. */
    private static final int FIRST = 32;
    /** Bins of the histogram that are drawn as one: half an octave. */
    private static final int JOINED = 4;

    private OutlierPage() {}

    static String html(OutlierDocument d, ModelStatistics statistics) {
        Page page = new Page("Outliers of " + Path.of(d.model()).getFileName());
        page.paragraph("%d sequences, %,d tokens, %s".formatted(d.sequences(), d.tokens(), source(d)));
        page.list(d.verdicts());
        curves(page, d);
        massive(page, d.massiveActivations());
        for (Site.Kind kind : Site.Kind.values()) {
            List<SiteStatistics> sites = statistics.sites(kind);
            if (!sites.isEmpty()) {
                maps(page, kind.label(), sites);
            }
        }
        weights(page, d);
        page.heading("What made this page");
        page.paragraph("Halftone %s, %s, kernels %s"
                .formatted(
                        d.provenance().version(),
                        d.provenance().java(),
                        d.provenance().kernels()));
        d.provenance().inputs().forEach((name, hash) -> page.paragraph(name + ": SHA-256 " + hash));
        return page.html();
    }

    private static String source(OutlierDocument d) {
        return d.calibration() == null
                ? "read from files, calibration sets: " + d.sets().size()
                : "calibration source " + d.calibration().source();
    }

    private static void curves(Page page, OutlierDocument d) {
        page.heading("Over the blocks");
        page.add(byBlock(
                "Kurtosis, all tokens (Gaussian: 3)",
                d.sites(),
                site -> site.all().kurtosis()));
        page.add(byBlock(
                "Kurtosis without position 0",
                d.sites(),
                site -> site.withoutFirst().kurtosis()));
        page.add(byBlock(
                "Channel spread: max over median of the channels' max |x|",
                d.sites(),
                site -> site.all().channelSpread()));
        LineChart sinks = new LineChart("Attention that key 0 gets, mean over heads", Axis.LINEAR, Axis.LINEAR);
        for (SinkEntry sink : d.attentionSinks()) {
            if (sink.queries() > 0) {
                sinks.add("alpha_0", sink.block(), sink.alpha().getFirst());
            }
        }
        page.add(sinks);
    }

    private static LineChart byBlock(String name, List<SiteEntry> sites, ToDoubleFunction<SiteEntry> figure) {
        LineChart chart = new LineChart(name, Axis.LINEAR, Axis.LOG10);
        for (SiteEntry site : sites) {
            double value = figure.applyAsDouble(site);
            if (value > 0) {
                chart.add(site.kind(), site.block(), Math.log10(value));
            }
        }
        return chart;
    }

    private static void massive(Page page, List<MassiveEntry> blocks) {
        page.heading("Massive activations: the residual stream behind each block");
        LineChart chart = new LineChart("Largest and median |x|, mean over the sequences", Axis.LINEAR, Axis.LOG10);
        for (MassiveEntry block : blocks) {
            add(chart, "largest", block.block(), block.largest());
            add(chart, "second", block.block(), block.second());
            add(chart, "third", block.block(), block.third());
            add(chart, "median", block.block(), block.median());
        }
        page.add(chart);
        MassiveEntry worst = blocks.stream()
                .max((a, b) -> Double.compare(a.largestToMedian(), b.largestToMedian()))
                .orElseThrow();
        List<List<String>> rows = new ArrayList<>();
        for (Place place : worst.values().stream().limit(PLACES).toList()) {
            rows.add(List.of(
                    OutlierTable.quoted(place.text()),
                    OutlierTable.number(place.value()),
                    String.valueOf(place.sequence()),
                    String.valueOf(place.position()),
                    String.valueOf(place.channel())));
        }
        page.paragraph("Largest values behind block " + worst.block() + ":");
        page.table(List.of("token", "value", "sequence", "position", "channel"), rows);
    }

    private static void add(LineChart chart, String curve, int block, double value) {
        if (value > 0) {
            chart.add(curve, block, Math.log10(value));
        }
    }

    private static void maps(Page page, String kind, List<SiteStatistics> sites) {
        page.heading(Character.toUpperCase(kind.charAt(0)) + kind.substring(1));
        page.add(new HeatMap(
                "max |x|, block by channel, without position 0",
                "block",
                "channel",
                sites.stream()
                        .map(site -> doubles(site.rest().channels().largest()))
                        .toArray(double[][]::new)));
        double[][] positions =
                sites.stream().map(site -> site.positions().largest()).toArray(double[][]::new);
        page.add(new HeatMap("max |x|, block by position", "block", "position", positions));
        if (positions[0].length > 2 * FIRST) {
            double[][] beginning = Arrays.stream(positions)
                    .map(row -> Arrays.copyOf(row, FIRST))
                    .toArray(double[][]::new);
            page.add(new HeatMap("the same, the first " + FIRST + " positions", "block", "position", beginning));
        }
        LineChart histogram = new LineChart("Histogram of |x|: share of the values per octave", Axis.LOG2, Axis.LOG10);
        SiteStatistics first = sites.getFirst();
        SiteStatistics middle = sites.get(sites.size() / 2);
        SiteStatistics last = sites.getLast();
        for (SiteStatistics site : sites.size() < 3 ? sites : List.of(first, middle, last)) {
            curve(histogram, "block " + site.site().block(), site.rest());
            curve(histogram, "block " + site.site().block() + ", position 0", site.first());
        }
        page.add(histogram);
    }

    private static double[] doubles(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }

    private static void curve(LineChart chart, String name, Accumulator a) {
        long[] counts = a.histogram().magnitudes();
        double all = Math.max(1, Arrays.stream(counts).sum());
        for (int bin = 1; bin + JOINED < counts.length; bin += JOINED) {
            long count = Arrays.stream(counts, bin, bin + JOINED).sum();
            double lower = Math.log(LogHistogram.lower(bin)) / Math.log(2);
            double upper = Math.log(LogHistogram.lower(bin + JOINED)) / Math.log(2);
            if (count > 0) {
                chart.add(name, (lower + upper) / 2, Math.log10(count / all / (upper - lower)));
            }
        }
    }

    private static void weights(Page page, OutlierDocument d) {
        page.heading("Weights");
        LineChart kurtosis = new LineChart("Kurtosis of each linear weight", Axis.LINEAR, Axis.LOG10);
        LineChart snr = new LineChart(
                "Predicted signal-to-noise at 4 bits, symmetric, dB, mean over the block's linears",
                Axis.LINEAR,
                Axis.LINEAR);
        int perBlock =
                Math.max(1, d.weights().size() / Math.max(1, d.attentionSinks().size()));
        for (int i = 0; i < d.weights().size(); i++) {
            WeightMetrics weight = d.weights().get(i);
            String[] parts = weight.name().split("\\.", -1);
            add(kurtosis, parts[Math.max(0, parts.length - 2)], i / perBlock, weight.kurtosis());
        }
        for (int block = 0; block < d.attentionSinks().size(); block++) {
            List<WeightMetrics> members = d.weights().subList(block * perBlock, (block + 1) * perBlock);
            for (int size : new int[] {32, 64, 128}) {
                int at = block;
                members.stream()
                        .flatMap(weight -> weight.groups().stream())
                        .filter(group -> group.size() == size)
                        .mapToDouble(WeightMetrics.Group::snrInt4Db)
                        .average()
                        .ifPresent(mean -> snr.add(String.format(Locale.ROOT, "group %d", size), at, mean));
            }
        }
        page.add(kurtosis);
        page.add(snr);
    }
}
