package dev.halftone.app;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.error.ResourceException;
import dev.halftone.provenance.Provenance;
import dev.halftone.report.Page;
import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.reproduce.Experiment;
import dev.halftone.reproduce.Experiment.Outcome;
import dev.halftone.reproduce.Experiment.Setting;
import dev.halftone.reproduce.Experiment.Table;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/** Runs an experiment for {@code halftone reproduce} and shows what came out: a document, tables, or a page. */
record ExperimentRun(
        CommandSpec spec, boolean json, @Nullable Path html, Path text) {
    private static final int COLUMN = 14;

    private record Document(
            int schema,
            String name,
            String paper,
            String claim,
            Object measurements,
            List<Finding> findings,
            String verdict,
            double seconds,
            Provenance provenance) {}

    void run(Experiment experiment, List<String> models, CalibrationOptions options, int threads) {
        long start = System.nanoTime();
        PrintWriter err = spec.commandLine().getErr();
        Torch.load();
        Outcome outcome;
        try (Workers workers = new Workers(threads)) {
            outcome = experiment.run(new Setting(models, options, workers), subject -> {
                err.println(subject);
                err.flush();
            });
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (html != null) {
            write(html, page(experiment, outcome));
        }
        PrintWriter writer = spec.commandLine().getOut();
        if (json) {
            CommonOptions.print(
                    writer,
                    new Document(
                            1,
                            experiment.name(),
                            experiment.paper(),
                            experiment.statement(),
                            outcome.measurements(),
                            outcome.findings(),
                            ReproduceCommand.verdict(outcome.findings()),
                            seconds,
                            Provenance.of(
                                    List.of(text),
                                    Map.of(
                                            "models",
                                            String.join(" ", models),
                                            "samples",
                                            "" + options.samples(),
                                            "length",
                                            "" + options.length()))));
            return;
        }
        writer.printf("%s (%s)%n%s%n", experiment.name(), experiment.paper(), experiment.statement());
        outcome.tables().forEach(table -> print(writer, table));
        ReproduceCommand.print(writer, outcome.findings(), seconds);
    }

    private static void print(PrintWriter writer, Table table) {
        writer.printf("%n%s%n", table.title());
        int first = table.rows().stream()
                .mapToInt(row -> row.getFirst().length())
                .max()
                .orElse(0);
        line(writer, table.header(), Math.max(first, table.header().getFirst().length()));
        table.rows()
                .forEach(row -> line(
                        writer, row, Math.max(first, table.header().getFirst().length())));
    }

    private static void line(PrintWriter writer, List<String> cells, int first) {
        StringBuilder line = new StringBuilder(("%-" + Math.max(1, first) + "s").formatted(cells.getFirst()));
        cells.stream().skip(1).forEach(cell -> line.append(("%" + COLUMN + "s").formatted(cell)));
        writer.println(line);
    }

    private static String page(Experiment experiment, Outcome outcome) {
        Page page = new Page(experiment.name() + " (" + experiment.paper() + ")").paragraph(experiment.statement());
        page.heading("Findings")
                .list(outcome.findings().stream()
                        .map(finding -> "%s: %s (%s)"
                                .formatted(
                                        finding.holds() ? "holds" : "fails", finding.statement(), finding.measured()))
                        .toList());
        for (Table table : outcome.tables()) {
            page.heading(table.title()).table(table.header(), table.rows());
        }
        page.heading("Curves");
        outcome.charts().forEach(page::add);
        return page.html();
    }

    private static void write(Path file, String text) {
        try {
            Files.write(file, text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new ResourceException(
                    "HT-651", file.toString(), "cannot be written: " + e, "check the path and the disk");
        }
    }
}
