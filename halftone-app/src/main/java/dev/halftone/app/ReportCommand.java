package dev.halftone.app;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.study.report.DocumentJson;
import dev.halftone.study.report.HtmlPage;
import dev.halftone.study.report.MarkdownReport;
import dev.halftone.study.report.ReportDocument;
import dev.halftone.study.report.StudyReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone report DIR}. */
@Command(name = "report", description = "Writes what a study found as a page.", mixinStandardHelpOptions = true)
final class ReportCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "DIR", description = "where a study has run")
    private Path directory = Path.of("");

    @Option(
            names = "--format",
            paramLabel = "html|markdown|json",
            description = "html (default) is one file that fetches nothing")
    private @Nullable String format;

    @Option(names = "--json", description = "print one JSON document on standard output: --format json --out -")
    private boolean json;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "where to write it, - for standard output (default: report.html, .md or .json in DIR)")
    private @Nullable String out;

    @Override
    public Integer call() {
        String chosen = json ? "json" : format == null ? "html" : format;
        ReportDocument document = StudyReport.of(directory);
        String text = switch (chosen) {
            case "html" -> HtmlPage.of(document, false);
            case "markdown" -> MarkdownReport.of(document);
            case "json" -> DocumentJson.indented(document) + "\n";
            default ->
                throw new InputException(
                        "HT-668", "--format", "\"" + chosen + "\"; known are html, markdown, json", "");
        };
        PrintWriter writer = spec.commandLine().getOut();
        if (json || "-".equals(out)) {
            writer.print(text);
            writer.flush();
            return 0;
        }
        String ending = chosen.equals("markdown") ? "md" : chosen;
        Path file = out == null ? directory.resolve("report." + ending) : Path.of(out);
        write(file, text);
        document.answer().forEach(sentence -> writer.println(sentence + System.lineSeparator()));
        writer.println("wrote " + file);
        writer.flush();
        return 0;
    }

    static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new ResourceException(
                    "HT-666", file.toString(), "cannot be written: " + e, "check the path and the disk");
        }
    }
}
