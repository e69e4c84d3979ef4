package dev.halftone.app;

import dev.halftone.discrete.fir.Band;
import dev.halftone.discrete.fir.FilterDesign;
import dev.halftone.discrete.fir.FilterDesign.Taps;
import dev.halftone.discrete.fir.FilterSpec;
import dev.halftone.error.InputException;
import dev.halftone.provenance.Provenance;
import dev.halftone.report.Axis;
import dev.halftone.report.LineChart;
import dev.halftone.report.Page;
import dev.halftone.tensor.PeakMemory;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code halftone solve fir}. */
@Command(
        name = "fir",
        description = "Designs a linear-phase filter whose taps have few bits, with the least ripple.",
        mixinStandardHelpOptions = true)
final class SolveFirCommand implements Callable<Integer> {
    private static final int SCHEMA = 1;

    /** Points of a drawn curve. */
    private static final int DRAWN = 1024;

    /** Responses below are drawn as this many decibels. */
    private static final double LEAST_DECIBELS = -100;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private SolveCommand.Search search = new SolveCommand.Search();

    @Option(names = "--order", paramLabel = "L", description = "even (default: ${DEFAULT-VALUE})")
    private int order = 12;

    @Option(
            names = "--bits",
            paramLabel = "P",
            description = "taps are multiples of 2^(1 - P) from -1 to below 1 (default: ${DEFAULT-VALUE})")
    private int bits = 4;

    @Option(
            names = "--pass",
            paramLabel = "LOW:HIGH",
            description =
                    "band in which the response should be 1, 1 is half the sampling rate; may be repeated; numbers or"
                            + " fractions (default: 0:0.4 and --stop 4/7:1)")
    private List<String> pass = new ArrayList<>();

    @Option(names = "--stop", paramLabel = "LOW:HIGH", description = "band in which it should be 0; may be repeated")
    private List<String> stop = new ArrayList<>();

    @Option(
            names = "--starts",
            paramLabel = "N",
            description = "seeds, from --seed on, of which the best is taken (default: ${DEFAULT-VALUE})")
    private int starts = 2;

    @Option(
            names = "--milp",
            paramLabel = "S",
            description = "solve it exactly too, with SCIP, for at most S seconds (default: not)")
    private double milp;

    /**
     * What {@code --json} prints.
     *
     * @param points of the grid on which ripple is counted
     * @param bound no taps have less ripple
     */
    record Document(
            int schema,
            int order,
            int bits,
            List<Band> bands,
            int points,
            double bound,
            List<Taps> designs,
            double seconds,
            long peakMemoryBytes,
            Provenance provenance) {}

    @Override
    public Integer call() {
        long begin = System.nanoTime();
        search.checkPage();
        if (starts < 1 || !(milp >= 0)) {
            throw new InputException(
                    "HT-762", "fir", "--starts %d, --milp %s".formatted(starts, milp), "give 1 or more, and 0 or more");
        }
        FilterSpec filter = new FilterSpec(order, bits, bands());
        FilterDesign design = FilterDesign.of(filter, search.options(), starts, milp);
        search.write(page(design));
        double seconds = (System.nanoTime() - begin) / 1e9;
        PrintWriter out = spec.commandLine().getOut();
        if (search.json) {
            CommonOptions.print(out, document(design, seconds));
        } else {
            print(out, design);
        }
        return 0;
    }

    private List<Band> bands() {
        List<Band> bands = new ArrayList<>();
        boolean absent = pass.isEmpty() && stop.isEmpty();
        (absent ? List.of("0:0.4") : pass).forEach(text -> bands.add(band("--pass", text, true)));
        (absent ? List.of("4/7:1") : stop).forEach(text -> bands.add(band("--stop", text, false)));
        return bands;
    }

    private static Band band(String option, String text, boolean passes) {
        String[] ends = text.split(":", -1);
        if (ends.length != 2) {
            throw wrong(option, text);
        }
        return new Band(number(option, text, ends[0]), number(option, text, ends[1]), passes);
    }

    /** A number, or one over another. */
    private static double number(String option, String text, String number) {
        String[] parts = number.split("/", -1);
        try {
            return parts.length == 2
                    ? Double.parseDouble(parts[0]) / Double.parseDouble(parts[1])
                    : Double.parseDouble(number);
        } catch (NumberFormatException _) {
            throw wrong(option, text);
        }
    }

    private static InputException wrong(String option, String text) {
        return new InputException("HT-762", option, "is \"" + text + "\"; expected LOW:HIGH", "write 0:0.4, or 4/7:1");
    }

    private Document document(FilterDesign design, double seconds) {
        Map<String, String> settings = new TreeMap<>();
        settings.put("iterations", String.valueOf(search.iterations));
        settings.put("seed", String.valueOf(search.seed));
        settings.put("starts", String.valueOf(starts));
        settings.put("destroyed", String.valueOf(search.destroyed));
        settings.put("seconds", String.valueOf(search.seconds));
        settings.put("milp", String.valueOf(milp));
        return new Document(
                SCHEMA,
                order,
                bits,
                design.spec().bands(),
                design.spec().grid().frequencies().length,
                design.bound(),
                design.designs(),
                seconds,
                PeakMemory.bytes(),
                Provenance.of(List.of(), settings));
    }

    private static void print(PrintWriter out, FilterDesign design) {
        FilterSpec filter = design.spec();
        out.printf(
                Locale.ROOT,
                "order %d, %d bits, %d taps, %d grid points; no taps on levels have a ripple below %.6f%n%n",
                filter.order(),
                filter.bits(),
                filter.taps(),
                filter.grid().frequencies().length,
                design.bound());
        out.println("method          ripple     of |H|   seconds");
        for (Taps taps : design.designs()) {
            out.printf(
                    Locale.ROOT,
                    "%-12s %9.6f  %9.6f  %8.2f%s%n",
                    taps.method(),
                    taps.ripple(),
                    taps.denseRipple(),
                    taps.seconds(),
                    taps.proven() ? "  proven" : "");
        }
        Taps best = best(design);
        out.printf(
                Locale.ROOT,
                "%ntaps of %s, times %d: %s%n",
                best.method(),
                Math.round(1 / filter.step()),
                integers(best.integers()));
        out.flush();
    }

    private static String integers(int @Nullable [] integers) {
        return integers == null
                ? ""
                : Arrays.stream(integers).mapToObj(String::valueOf).collect(Collectors.joining(" "));
    }

    /** The one on levels with the least ripple, of equals the first. */
    private static Taps best(FilterDesign design) {
        return design.designs().stream()
                .filter(taps -> taps.integers() != null)
                .min((a, b) -> Double.compare(a.ripple(), b.ripple()))
                .orElseThrow();
    }

    private static String page(FilterDesign design) {
        FilterSpec filter = design.spec();
        Page page = new Page("Filter of order %d with taps of %d bits".formatted(filter.order(), filter.bits()));
        page.paragraph(filter.bands().stream()
                .map(band -> "%s %.4f to %.4f".formatted(band.pass() ? "pass" : "stop", band.low(), band.high()))
                .collect(Collectors.joining(", ", "", " of half the sampling rate")));
        LineChart response = new LineChart("|H| over frequency", Axis.LINEAR, Axis.LINEAR);
        LineChart decibels = new LineChart("|H| over frequency, dB", Axis.LINEAR, Axis.LINEAR);
        LineChart taps = new LineChart("Taps", Axis.LINEAR, Axis.LINEAR);
        for (Taps one : design.designs()) {
            for (int i = 0; i <= DRAWN; i++) {
                double frequency = (double) i / DRAWN;
                double h = filter.response(one.x(), frequency);
                response.add(one.method(), frequency, h);
                decibels.add(one.method(), frequency, Math.max(LEAST_DECIBELS, 20 * Math.log10(h)));
            }
            for (int n = 0; n <= filter.order(); n++) {
                taps.add(one.method(), n, one.x()[Math.min(n, filter.order() - n)]);
            }
        }
        page.add(response).add(decibels).add(taps);
        page.heading("Ripple")
                .table(
                        List.of(
                                "method",
                                "on the grid",
                                "of |H| at 16384 points",
                                "seconds",
                                "taps times 2^(bits - 1)"),
                        design.designs().stream().map(SolveFirCommand::row).toList());
        return page.html();
    }

    private static List<String> row(Taps taps) {
        return List.of(
                taps.method() + (taps.proven() ? ", proven" : ""),
                String.format(Locale.ROOT, "%.6f", taps.ripple()),
                String.format(Locale.ROOT, "%.6f", taps.denseRipple()),
                String.format(Locale.ROOT, "%.2f", taps.seconds()),
                integers(taps.integers()));
    }
}
