package dev.halftone.reproduce;

import dev.halftone.report.Axis;
import dev.halftone.report.Chart;
import dev.halftone.report.LineChart;
import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.reproduce.Qsnr.Measured;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** What {@link IntVsFp}'s measurements on the tensors of one source say: means, shares of wins, and the paper's order. */
final class QsnrVerdicts {
    static final List<String> HEADER = List.of(
            "data",
            "pair",
            "tensors",
            "int",
            "fp",
            "int wins",
            "kappa q3",
            "int rotated",
            "fp rotated",
            "int wins",
            "kappa q3");

    private QsnrVerdicts() {}

    /** Who should win on tensors with tails: at 8 bits the integers, else the floats; rotated, also NVINT4. */
    static void judge(String source, List<List<Measured>> tensors, List<Finding> findings) {
        for (FormatPair pair : FormatPair.values()) {
            List<Measured> all = of(tensors, pair);
            for (boolean rotated : new boolean[] {false, true}) {
                boolean integer = pair == FormatPair.MX8 || (rotated && pair == FormatPair.NV4);
                double difference = mean(
                        all, m -> rotated ? m.intRotatedQsnrDb() - m.fpRotatedQsnrDb() : m.intQsnrDb() - m.fpQsnrDb());
                long wins = all.stream().filter(m -> m.integerWins(rotated)).count();
                findings.add(new Finding(
                        "%s: %s loses less than %s%s"
                                .formatted(
                                        source,
                                        integer ? pair.integerName() : pair.floatingName(),
                                        integer ? pair.floatingName() : pair.integerName(),
                                        rotated ? " after rotation" : ""),
                        integer == (difference > 0),
                        String.format(
                                Locale.ROOT,
                                "mean difference %.2f dB, integers win %d of %d",
                                difference,
                                wins,
                                all.size())));
            }
        }
        List<Measured> eight = of(tensors, FormatPair.MX8);
        double low = quantile(eight, 0.05, Measured::fpQsnrDb);
        double high = quantile(eight, 0.95, Measured::fpQsnrDb);
        findings.add(new Finding(
                source + ": MXFP8 has 31.5 dB whatever the distribution, within 0.3 dB in 90 % of the tensors",
                low > 31.2 && high < 31.8,
                String.format(Locale.ROOT, "%.2f to %.2f dB", low, high)));
    }

    static void judge(SymmetricClipping.Result clipping, List<Finding> findings) {
        findings.add(new Finding(
                "in BF16 a sixth of all values become 128 as the largest of their block, in FP32 none",
                Math.abs(clipping.bf16Share() - 0.1682) < 0.005 && clipping.fp32Share() == 0,
                String.format(
                        Locale.ROOT,
                        "%.2f %% in BF16, %.3f %% in FP16, %.3f %% in FP32",
                        100 * clipping.bf16Share(),
                        100 * clipping.fp16Share(),
                        100 * clipping.fp32Share())));
        findings.add(new Finding(
                "codes from -128 leave a negative bias on the largest values that codes from -127 do not",
                clipping.biasAsymmetric() < -3 * clipping.biasAsymmetricStderr()
                        && Math.abs(clipping.biasSymmetric()) < Math.abs(clipping.biasAsymmetric()) / 3,
                String.format(
                        Locale.ROOT,
                        "mean error in steps %.4f +- %.4f and %.4f +- %.4f",
                        clipping.biasAsymmetric(),
                        clipping.biasAsymmetricStderr(),
                        clipping.biasSymmetric(),
                        clipping.biasSymmetricStderr())));
    }

    static List<List<String>> rows(String source, List<List<Measured>> tensors) {
        List<List<String>> rows = new ArrayList<>();
        for (FormatPair pair : FormatPair.values()) {
            List<Measured> all = of(tensors, pair);
            rows.add(List.of(
                    source,
                    pair.title(),
                    String.valueOf(all.size()),
                    number(mean(all, Measured::intQsnrDb)),
                    number(mean(all, Measured::fpQsnrDb)),
                    share(all, false),
                    number(quantile(all, 0.75, Measured::kappa)),
                    number(mean(all, Measured::intRotatedQsnrDb)),
                    number(mean(all, Measured::fpRotatedQsnrDb)),
                    share(all, true),
                    number(quantile(all, 0.75, Measured::kappaRotated))));
        }
        return rows;
    }

    /** Integers minus floats by the tensor's crest factor, before and after rotation. */
    static List<Chart> charts(String source, List<List<Measured>> tensors) {
        List<Chart> charts = new ArrayList<>();
        for (FormatPair pair : FormatPair.values()) {
            LineChart chart = new LineChart(
                    "%s: QSNR of %s less that of %s in dB, tensors by crest factor"
                            .formatted(source, pair.integerName(), pair.floatingName()),
                    Axis.LINEAR,
                    Axis.LINEAR);
            of(tensors, pair).stream()
                    .sorted(Comparator.comparingDouble(Measured::kappa))
                    .forEach(m -> chart.add("as they are", m.kappa(), m.intQsnrDb() - m.fpQsnrDb()));
            of(tensors, pair).stream()
                    .sorted(Comparator.comparingDouble(Measured::kappaRotated))
                    .forEach(m -> chart.add("rotated", m.kappaRotated(), m.intRotatedQsnrDb() - m.fpRotatedQsnrDb()));
            charts.add(chart);
        }
        return charts;
    }

    private static List<Measured> of(List<List<Measured>> tensors, FormatPair pair) {
        return tensors.stream()
                .flatMap(List::stream)
                .filter(found -> found.pair().equals(pair.title()))
                .toList();
    }

    private static double mean(List<Measured> all, ToDoubleFunction<Measured> figure) {
        return all.stream().mapToDouble(figure).average().orElse(Double.NaN);
    }

    private static double quantile(List<Measured> all, double share, ToDoubleFunction<Measured> figure) {
        double[] sorted = all.stream().mapToDouble(figure).sorted().toArray();
        return sorted[Math.clamp((int) Math.ceil(share * sorted.length) - 1, 0, sorted.length - 1)];
    }

    private static String share(List<Measured> all, boolean rotated) {
        long wins = all.stream().filter(m -> m.integerWins(rotated)).count();
        return String.format(Locale.ROOT, "%.0f%%", 100.0 * wins / all.size());
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }
}
