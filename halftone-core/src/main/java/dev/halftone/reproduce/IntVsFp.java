package dev.halftone.reproduce;

import dev.halftone.report.Axis;
import dev.halftone.report.Chart;
import dev.halftone.report.LineChart;
import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.reproduce.Qsnr.Measured;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * INT vs FP (arXiv:2510.25602): integers lose less where a block's crest factor is small, floats where it is large; at 8 bits in
 * blocks integers win, at 4 bits floats do, and a random Hadamard rotation turns the NV formats' order round.
 */
final class IntVsFp implements Experiment {
    private static final long SEED = 1;
    private static final int SAMPLES = 1 << 19;
    private static final int WIDTH = 1024;

    /** The JSON document. */
    private record Measurements(List<Curve> curves, List<Data> data, SymmetricClipping.Result clipping) {}

    /** Of a pair, on blocks of {@code block} values. */
    private record Curve(
            String pair, int block, double theoryCrossing, double measuredCrossing, List<CrestCurve.Point> points) {}

    /**
     * A tensor.
     *
     * @param source "normal", "laplace", or the model
     */
    private record Data(String source, String tensor, double rowKappa, double rowKappaRotated, List<Measured> pairs) {}

    @Override
    public String name() {
        return "int-vs-fp";
    }

    @Override
    public String paper() {
        return "arXiv:2510.25602";
    }

    @Override
    public String statement() {
        return "In blocks with one scale, integers lose less than floats of the same size below a crest factor of 7.55 (MX, 8"
                + " bits), 1.96 (6), 2.04 (4) and 2.39 (NV, 4): so MXINT8 beats MXFP8, MXFP6 and MXFP4 beat their integers,"
                + " and NVFP4 beats NVINT4 until a random Hadamard rotation turns that round.";
    }

    @Override
    public Outcome run(Setting setting, Progress progress) {
        List<Finding> findings = new ArrayList<>();
        progress.update("curves by crest factor");
        List<Curve> curves =
                Arrays.stream(FormatPair.values()).map(IntVsFp::curve).toList();
        curves.forEach(curve -> judge(curve, findings));
        Map<String, Map<String, Qsnr>> sources = new LinkedHashMap<>();
        for (String name : List.of("normal", "laplace")) {
            progress.update(name);
            Qsnr qsnr = new Qsnr();
            qsnr.add(drawn(name.equals("laplace")), WIDTH, SEED);
            sources.put(name, Map.of(name, qsnr));
        }
        for (String model : setting.models()) {
            progress.update(model);
            sources.put(model, new SiteQsnr(setting, SEED).of(model));
        }
        List<Data> data = new ArrayList<>();
        sources.forEach((source, tensors) -> tensors.forEach((name, qsnr) -> data.add(data(source, name, qsnr))));
        sources.keySet().stream()
                .filter(source -> !source.equals("normal"))
                .forEach(source -> QsnrVerdicts.judge(source, pairs(data, source), findings));
        progress.update("symmetric clipping");
        SymmetricClipping.Result clipping = SymmetricClipping.measure(SEED);
        QsnrVerdicts.judge(clipping, findings);
        return new Outcome(
                new Measurements(curves, data, clipping), tables(curves, data), charts(curves, data), findings);
    }

    private static Curve curve(FormatPair pair) {
        List<CrestCurve.Point> points = CrestCurve.of(pair, SEED);
        return new Curve(pair.title(), CrestCurve.length(pair), pair.crossing(), CrestCurve.crossing(points), points);
    }

    private static void judge(Curve curve, List<Finding> findings) {
        FormatPair pair = FormatPair.valueOf(curve.pair().toUpperCase(Locale.ROOT));
        findings.add(new Finding(
                "%s: the theory crosses at the printed crest factor of %.2f".formatted(curve.pair(), pair.printed()),
                Math.abs(curve.theoryCrossing() - pair.printed()) < 0.01,
                format("%.3f", curve.theoryCrossing())));
        findings.add(new Finding(
                curve.pair() + ": measured curves cross once, within 20 % of the theory",
                Math.abs(curve.measuredCrossing() / curve.theoryCrossing() - 1) < 0.2,
                format("%.2f on blocks of %d", curve.measuredCrossing(), curve.block())));
    }

    private static float[] drawn(boolean laplace) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
        float[] x = new float[SAMPLES];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float)
                    (laplace ? random.nextExponential() * (random.nextBoolean() ? 1 : -1) : random.nextGaussian());
        }
        return x;
    }

    private static Data data(String source, String tensor, Qsnr qsnr) {
        return new Data(
                source,
                tensor,
                qsnr.rowKappa(false),
                qsnr.rowKappa(true),
                Arrays.stream(FormatPair.values()).map(qsnr::of).toList());
    }

    private static List<List<Measured>> pairs(List<Data> data, String source) {
        return data.stream()
                .filter(entry -> entry.source().equals(source))
                .map(Data::pairs)
                .toList();
    }

    private static List<Table> tables(List<Curve> curves, List<Data> data) {
        List<List<String>> crossings = curves.stream()
                .map(curve -> List.of(
                        curve.pair(),
                        String.valueOf(curve.block()),
                        format("%.3f", curve.theoryCrossing()),
                        format("%.3f", curve.measuredCrossing())))
                .toList();
        List<List<String>> rows = new ArrayList<>();
        for (String source : data.stream().map(Data::source).distinct().toList()) {
            rows.addAll(QsnrVerdicts.rows(source, pairs(data, source)));
        }
        return List.of(
                new Table("crossings", List.of("pair", "block", "theory", "measured"), crossings),
                new Table("QSNR in dB, mean over the tensors", QsnrVerdicts.HEADER, rows));
    }

    private static List<Chart> charts(List<Curve> curves, List<Data> data) {
        List<Chart> charts = new ArrayList<>();
        for (Curve curve : curves) {
            FormatPair pair = FormatPair.valueOf(curve.pair().toUpperCase(Locale.ROOT));
            LineChart chart = new LineChart(
                    "QSNR in dB by crest factor: %s and %s, blocks of %d"
                            .formatted(pair.integerName(), pair.floatingName(), curve.block()),
                    Axis.LINEAR,
                    Axis.LINEAR);
            for (CrestCurve.Point point : curve.points()) {
                chart.add(pair.integerName() + " theory", point.kappa(), point.intTheoryDb());
                chart.add(pair.integerName() + " measured", point.kappa(), point.intQsnrDb());
                chart.add(pair.floatingName() + " theory", point.kappa(), point.fpTheoryDb());
                chart.add(pair.floatingName() + " measured", point.kappa(), point.fpQsnrDb());
            }
            charts.add(chart);
        }
        for (String source : data.stream().map(Data::source).distinct().toList()) {
            List<List<Measured>> tensors = pairs(data, source);
            if (tensors.size() > 1) {
                charts.addAll(QsnrVerdicts.charts(source, tensors));
            }
        }
        return charts;
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
