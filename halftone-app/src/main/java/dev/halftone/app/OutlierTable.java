package dev.halftone.app;

import dev.halftone.app.OutlierDocument.MassiveEntry;
import dev.halftone.app.OutlierDocument.Place;
import dev.halftone.app.OutlierDocument.SinkEntry;
import dev.halftone.app.OutlierDocument.SiteEntry;
import dev.halftone.statistics.AttentionSinks;
import dev.halftone.statistics.MassiveActivations;
import dev.halftone.statistics.OutlierChannels;
import dev.halftone.statistics.Site;
import dev.halftone.statistics.TensorMetrics;
import dev.halftone.statistics.WeightMetrics;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** The outliers of a model as text: a row per site, then sentences. */
final class OutlierTable {
    private static final int CHANNELS = 3;
    private static final int SNR_GROUP = 64;
    private static final int TOKENS = 5;

    private OutlierTable() {}

    static void print(PrintWriter out, OutlierDocument d) {
        out.printf(
                "%s: %d sequences, %,d tokens; second figures: without position 0%n%n",
                d.model(), d.sequences(), d.tokens());
        out.printf(
                "%-25s %19s %19s %11s %17s %13s  %s%n",
                "block, site", "kurtosis", "max/median", "crest dB", "> 6 sigma", "spread", "top channels");
        for (SiteEntry site : d.sites()) {
            TensorMetrics a = site.all();
            TensorMetrics b = site.withoutFirst();
            out.printf(
                    "%-25s %10s %8s %10s %8s %5.1f %5.1f %8s %8s %6s %6s  %s%n",
                    "%3d %s".formatted(site.block(), site.kind()),
                    number(a.kurtosis()),
                    number(b.kurtosis()),
                    number(a.maxToMedian()),
                    number(b.maxToMedian()),
                    a.crestDb(),
                    b.crestDb(),
                    share(a.sixSigmaShare()),
                    share(b.sixSigmaShare()),
                    number(a.channelSpread()),
                    number(b.channelSpread()),
                    a.topChannels().stream()
                            .limit(CHANNELS)
                            .map(channel -> String.valueOf(channel.channel()))
                            .collect(Collectors.joining(" ")));
        }
        out.println();
        d.verdicts().forEach(out::println);
        out.printf("%.1f s, peak memory %.2f GB%n", d.seconds(), d.peakMemoryBytes() / 1e9);
        out.flush();
    }

    /** Four significant digits at most, short. */
    static String number(double value) {
        return value != 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 0.01)
                ? String.format(Locale.ROOT, "%.1e", value)
                : String.format(
                        Locale.ROOT,
                        Math.abs(value) >= 1000 ? "%.0f" : Math.abs(value) >= 100 ? "%.1f" : "%.2f",
                        value);
    }

    private static String share(double value) {
        return value == 0 ? "0" : String.format(Locale.ROOT, "%.1e", value);
    }

    /** What the numbers mean, each sentence with the numbers. */
    static List<String> verdicts(
            List<SiteEntry> sites,
            List<MassiveEntry> massive,
            OutlierDocument.Features features,
            List<SinkEntry> sinks,
            List<WeightMetrics> weights) {
        List<String> lines = new ArrayList<>();
        Map<String, List<SiteEntry>> kinds = new LinkedHashMap<>();
        sites.forEach(site ->
                kinds.computeIfAbsent(site.kind(), _ -> new ArrayList<>()).add(site));
        kinds.forEach((kind, members) -> lines.add(kind(kind, members)));
        lines.add(massive(massive));
        lines.add(tokens(sites, massive));
        lines.add(features(features));
        sinks(sinks, lines);
        weights(weights, lines);
        long notFinite =
                sites.stream().mapToLong(site -> site.all().notFinite()).sum();
        if (notFinite > 0) {
            lines.add("NOT FINITE: %,d values were NaN or infinite and passed over".formatted(notFinite));
        }
        return lines;
    }

    private static String kind(String kind, List<SiteEntry> members) {
        long free = members.stream().filter(SiteEntry::outlierFree).count();
        long freeRest =
                members.stream().filter(SiteEntry::outlierFreeWithoutFirst).count();
        return "%s: outlier-free in %d of %d blocks (kurtosis up to %s, channel spread up to %s); without position 0 in %d (%s, %s)"
                .formatted(
                        kind,
                        free,
                        members.size(),
                        largest(members, site -> site.all().kurtosis()),
                        largest(members, site -> site.all().channelSpread()),
                        freeRest,
                        largest(members, site -> site.withoutFirst().kurtosis()),
                        largest(members, site -> site.withoutFirst().channelSpread()));
    }

    private static String largest(List<SiteEntry> members, ToDoubleFunction<SiteEntry> figure) {
        SiteEntry worst = members.stream()
                .max(Comparator.comparingDouble(figure).thenComparing(SiteEntry::block, Comparator.reverseOrder()))
                .orElseThrow();
        return number(figure.applyAsDouble(worst)) + " in block " + worst.block();
    }

    private static String massive(List<MassiveEntry> blocks) {
        MassiveEntry worst = blocks.stream()
                .max(Comparator.comparingDouble(MassiveEntry::largestToMedian))
                .orElseThrow();
        Place place = worst.values().getFirst();
        long massive = blocks.stream().mapToLong(MassiveEntry::massive).sum();
        long relative = blocks.stream().mapToLong(MassiveEntry::relative).sum();
        return "massive activations (|x| > %.0f and %.0f x median of the residual stream): %,d, by the ratio alone %,d; largest ratio %s behind block %d: %s at position %d (%s), channel %d"
                .formatted(
                        MassiveActivations.MAGNITUDE,
                        MassiveActivations.RATIO,
                        massive,
                        relative,
                        number(worst.largestToMedian()),
                        worst.block(),
                        number(place.value()),
                        place.position(),
                        quoted(place.text()),
                        place.channel());
    }

    /** Tokens that stand out in the residual stream, and what they say. */
    private static String tokens(List<SiteEntry> sites, List<MassiveEntry> massive) {
        SiteEntry worst = sites.stream()
                .filter(site -> site.kind().equals(Site.Kind.RESIDUAL.label()))
                .max(Comparator.comparingDouble(site -> site.all().outlierTokens()))
                .orElseThrow();
        List<Place> places = massive.stream()
                .filter(entry -> entry.block() == worst.block())
                .findFirst()
                .orElseThrow()
                .values();
        return "outlier tokens (largest |x| above %.0f x the median token's): %.0f of %,d behind block %d, without position 0 %.0f; largest at %s"
                .formatted(
                        TensorMetrics.OUTLIER_TOKEN,
                        worst.all().outlierTokens(),
                        worst.all().tokens(),
                        worst.block(),
                        worst.withoutFirst().outlierTokens(),
                        places.stream()
                                .map(place -> quoted(place.text()))
                                .distinct()
                                .limit(TOKENS)
                                .collect(Collectors.joining(", ")));
    }

    /** A token's text on one line. */
    static String quoted(String text) {
        return "\""
                + text.replace("\\", "\\\\")
                        .replace("\n", "\\n")
                        .replace("\r", "\\r")
                        .replace("\t", "\\t") + "\"";
    }

    private static String features(OutlierDocument.Features features) {
        String list = features.all().stream()
                .filter(OutlierChannels.Channel::outlier)
                .map(c ->
                        "%d (%d blocks, %.0f %% of positions)".formatted(c.channel(), c.blocks(), 100 * c.tokenShare()))
                .limit(8)
                .collect(Collectors.joining(", "));
        return "LLM.int8 outlier channels: %d; without position 0 %d%s"
                .formatted(features.outliers(), features.outliersWithoutFirst(), list.isEmpty() ? "" : ": " + list);
    }

    private static void sinks(List<SinkEntry> sinks, List<String> lines) {
        if (sinks.stream().mapToLong(SinkEntry::queries).sum() == 0) {
            return;
        }
        int heads = sinks.stream().mapToInt(sink -> sink.alpha0OfHeads().size()).sum();
        lines.add("attention sinks: %d of %d heads give key 0 at least %.0f %%; mean %.0f %%"
                .formatted(
                        sinks.stream().mapToInt(SinkEntry::sinkHeads).sum(),
                        heads,
                        100 * AttentionSinks.SINK,
                        100
                                * sinks.stream()
                                        .mapToDouble(sink -> sink.alpha().getFirst())
                                        .average()
                                        .orElse(0)));
    }

    private static void weights(List<WeightMetrics> weights, List<String> lines) {
        WeightMetrics worst = weights.stream()
                .max(Comparator.comparingDouble(WeightMetrics::kurtosis))
                .orElseThrow();
        double[] snr = weights.stream()
                .flatMap(weight -> weight.groups().stream())
                .filter(group -> group.size() == SNR_GROUP)
                .mapToDouble(WeightMetrics.Group::snrInt4Db)
                .sorted()
                .toArray();
        lines.add("weights: kurtosis up to %s (%s)%s"
                .formatted(
                        number(worst.kurtosis()),
                        worst.name(),
                        snr.length == 0
                                ? ""
                                : "; predicted signal-to-noise at 4 bits, group %d: %.1f to %.1f dB"
                                        .formatted(SNR_GROUP, snr[0], snr[snr.length - 1])));
    }
}
