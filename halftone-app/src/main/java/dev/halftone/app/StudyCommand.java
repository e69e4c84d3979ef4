package dev.halftone.app;

import dev.halftone.error.InputException;
import dev.halftone.study.plan.CellResult;
import dev.halftone.study.plan.Job;
import dev.halftone.study.plan.StudyFile;
import dev.halftone.study.plan.StudyReader;
import dev.halftone.study.report.HtmlPage;
import dev.halftone.study.report.ReportDocument;
import dev.halftone.study.report.StudyReport;
import dev.halftone.study.run.StudyRun;
import dev.halftone.study.run.StudyRun.Failed;
import dev.halftone.study.run.StudyRun.Summary;
import dev.halftone.study.store.StudyStore;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone study STUDY.yaml}. */
@Command(
        name = "study",
        description =
                "Runs a grid of models, recipes and calibration sets, or goes on with it, and keeps the results in a DuckDB file.",
        mixinStandardHelpOptions = true)
final class StudyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Parameters(paramLabel = "STUDY.yaml", description = "the study: docs/studies.md")
    private Path file = Path.of("");

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "where results are kept, and found again (default: the file's name with -study behind it)")
    private @Nullable Path out;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "study this model instead of the file's; may be repeated")
    private List<String> models = new ArrayList<>();

    @Mixin
    private ComputeOptions computing = new ComputeOptions();

    @Option(names = "--retry-failed", description = "compute cells again that failed before")
    private boolean retryFailed;

    @Option(
            names = "--master",
            paramLabel = "NAME",
            description =
                    "what runs the cells (default: ${DEFAULT-VALUE}, one after the other in this process): local[N], N at a time,"
                            + " or spark://HOST:PORT, an Apache Spark cluster; there a cell has one thread unless --threads is"
                            + " given")
    private String master = "local";

    @Option(
            names = "--export",
            paramLabel = "parquet|csv",
            description = "write every table, and all results in one, below DIR/export")
    private @Nullable String export;

    private record Document(
            int schema,
            String study,
            String directory,
            int cells,
            int kept,
            int computed,
            List<Failed> failures,
            List<String> answer,
            String report,
            List<String> exported,
            double seconds) {}

    @Override
    public Integer call() {
        long start = System.nanoTime();
        int threads = common.checkedThreads();
        int cellThreads = spec.commandLine().getParseResult().hasMatchedOption("--threads") ? threads : 0;
        if (export != null && !List.of("parquet", "csv").contains(export)) {
            throw new InputException("HT-668", "--export", "\"" + export + "\"; known are parquet, csv", "");
        }
        StudyFile study = StudyReader.read(file, models);
        Path directory = out == null ? defaultDirectory() : out;
        PrintWriter err = spec.commandLine().getErr();
        Summary summary;
        try (ProgressLine line = new ProgressLine("study")) {
            summary = new StudyRun(
                            study,
                            directory,
                            new StudyRun.Options(master, threads, cellThreads, retryFailed, computing.chosen()),
                            new Told(line, err))
                    .run();
        }
        List<String> exported = export == null ? List.of() : exported(directory, export);
        ReportDocument report = StudyReport.of(directory);
        Path page = directory.resolve("report.html");
        ReportCommand.write(page, HtmlPage.of(report, false));
        Document document = new Document(
                1,
                study.name(),
                directory.toString(),
                summary.cells(),
                summary.kept(),
                summary.computed(),
                summary.failures(),
                report.answer(),
                page.toString(),
                exported,
                (System.nanoTime() - start) / 1e9);
        PrintWriter writer = spec.commandLine().getOut();
        if (common.json) {
            CommonOptions.print(writer, document);
        } else {
            print(writer, document);
        }
        return summary.failures().isEmpty() ? 0 : Main.FELL_BACK;
    }

    private Path defaultDirectory() {
        String name = String.valueOf(file.getFileName()).replaceFirst("\\.ya?ml$", "");
        return Path.of(name + "-study");
    }

    /** A line per job on a log, a line that is rewritten on a terminal. */
    static final class Told implements StudyRun.Listener {
        private final ProgressLine line;
        private final PrintWriter err;
        private long prepared = System.nanoTime();

        Told(ProgressLine line, PrintWriter err) {
            this.line = line;
            this.err = err;
        }

        @Override
        public void preparing(String what, int done, int total) {
            err.printf("%s (%d/%d)%n", what, done + 1, total);
            err.flush();
            prepared = System.nanoTime();
        }

        @Override
        public void cells(Job job, List<CellResult> results, int done, int total) {
            StringBuilder text = new StringBuilder();
            for (CellResult result : results) {
                text.append("; ").append(outcome(result));
            }
            double left = (System.nanoTime() - prepared) / 1e9 * (total - done) / done;
            err.printf(
                    "%d/%d %s %s%s (%s left)%n",
                    done, total, last(job.model()), job.recipe(), text, ProgressLine.time(left));
            err.flush();
            line.update(done, total);
        }

        /** The end of a path. */
        private static String last(String model) {
            return model.substring(model.replace('\\', '/').lastIndexOf('/') + 1);
        }

        private static String outcome(CellResult result) {
            if (result.failure() != null) {
                return "failed: " + result.failure().message();
            }
            if (result.text() != null) {
                return String.format(
                        Locale.ROOT,
                        "KL %.4f, perplexity %.3f",
                        result.text().kl().value(),
                        result.text().perplexity().value());
            }
            return result.choice() == null
                    ? ""
                    : String.format(
                            Locale.ROOT,
                            "accuracy %.1f %%",
                            100 * result.choice().accuracy().value());
        }
    }

    private static List<String> exported(Path directory, String format) {
        try {
            Path target = Files.createDirectories(directory.resolve("export"));
            return StudyStore.open(directory).export(format, target).stream()
                    .map(Path::toString)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void print(PrintWriter writer, Document document) {
        document.answer().forEach(sentence -> writer.println(sentence + System.lineSeparator()));
        writer.printf(
                "%d cells: %d computed, %d kept, %d failed; results in %s%n",
                document.cells(),
                document.computed(),
                document.kept(),
                document.failures().size(),
                document.directory());
        for (Failed failed : document.failures()) {
            writer.printf(
                    "failed: %s %s on %s: %s%n", failed.model(), failed.recipe(), failed.evaluation(), failed.error());
        }
        writer.println("wrote " + document.report());
        document.exported().forEach(file -> writer.println("wrote " + file));
        writer.flush();
    }
}
