package dev.halftone.app;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.error.InputException;
import dev.halftone.hub.Zoo;
import dev.halftone.provenance.Provenance;
import dev.halftone.reproduce.Claim;
import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.reproduce.Claims;
import dev.halftone.reproduce.Experiment;
import dev.halftone.reproduce.Reproduction;
import dev.halftone.reproduce.Results;
import dev.halftone.study.claims.StudyClaim;
import dev.halftone.study.plan.StudyFile;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone reproduce NAME}. */
@Command(
        name = "reproduce",
        description = "Checks a paper's headline claim at small scale.",
        mixinStandardHelpOptions = true)
final class ReproduceCommand implements Callable<Integer> {
    private static final List<String> MODELS = List.of(
            "zoo:llama-nano",
            "zoo:llama-nano+outliers(g=32,channels=6)",
            "zoo:opt-nano",
            "zoo:opt-nano+outliers(g=32,channels=6)");

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Parameters(
            paramLabel = "NAME",
            description =
                    "adadim, adpq, awq, dmmv, gobo, gptq, gwq, int-vs-fp, quantease, signround, smoothquant, spqr;"
                            + " calibration-study, qllm-eval, llm-qbench")
    private String name = "";

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "instead of the zoo's, natural and with injected outliers; may be given several times")
    private List<String> models = new ArrayList<>();

    @Option(names = "--calibration", paramLabel = "FILE", description = "text (default: of the corpus)")
    private @Nullable Path calibration;

    @Option(names = "--text", paramLabel = "FILE", description = "text to measure on (default: of the corpus)")
    private @Nullable Path text;

    @Option(names = "--samples", paramLabel = "N", description = "calibration sequences (default: ${DEFAULT-VALUE})")
    private int samples = 64;

    @Option(
            names = "--length",
            paramLabel = "N",
            description = "tokens per sequence and per window (default: ${DEFAULT-VALUE})")
    private int length = 256;

    @Option(names = "--chunks", paramLabel = "N", description = "windows to measure (default: all)")
    private int chunks = -1;

    @Option(
            names = "--draws",
            paramLabel = "N",
            description =
                    "draws of each calibration set, of claims that take a study (default: as the study's file says)")
    private int draws;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description =
                    "keep the packed models here; those that are there are not made again (default: none is kept)")
    private @Nullable Path out;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description = "write a page with the plots (experiments such as int-vs-fp)")
    private @Nullable Path html;

    /** What was measured for a case. */
    private record CaseDocument(
            String model,
            String label,
            String recipe,
            double bitsPerWeight,
            double perplexity,
            double perplexityStderr,
            double referencePerplexity,
            double kl,
            double klStderr,
            double sameTop,
            double sameTopStderr) {
        static CaseDocument of(Claim.Case done, Results.Outcome outcome) {
            var scores = outcome.scores();
            return new CaseDocument(
                    done.model(),
                    done.label(),
                    done.recipe(),
                    outcome.bitsPerWeight(),
                    scores.perplexity().value(),
                    scores.perplexity().error(),
                    scores.referencePerplexity().value(),
                    scores.divergence().value(),
                    scores.divergence().error(),
                    scores.agreement().value(),
                    scores.agreement().error());
        }
    }

    private record Document(
            int schema,
            String name,
            String paper,
            String claim,
            List<CaseDocument> cases,
            List<Finding> findings,
            String verdict,
            double seconds,
            Provenance provenance) {}

    @Override
    public Integer call() {
        int threads = common.checkedThreads();
        Optional<StudyClaim> study = StudyClaim.named(name);
        if (study.isPresent()) {
            return study(study.get(), threads);
        }
        if (draws != 0) {
            throw new ParameterException(
                    spec.commandLine(), "--draws is of claims that take a study: " + StudyClaim.names());
        }
        Path learned = calibration == null ? Zoo.text("sotu.calibration.txt") : calibration;
        List<String> chosen = models.isEmpty() ? MODELS : models;
        CalibrationOptions options = new CalibrationOptions(
                new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(learned)), samples, length, 1);
        switch (Claims.named(name)) {
            case Claim claim -> run(claim, chosen, options, learned, threads);
            case Experiment experiment ->
                new ExperimentRun(spec, common.json, html, learned).run(experiment, chosen, options, threads);
        }
        return 0;
    }

    private void run(Claim claim, List<String> chosen, CalibrationOptions options, Path learned, int threads) {
        if (html != null) {
            throw new InputException("HT-651", "--html", claim.name() + " has no plots", "leave it out");
        }
        long start = System.nanoTime();
        Path measured = text == null ? Zoo.text("sotu.test.txt") : text;
        PrintWriter err = spec.commandLine().getErr();
        Results results;
        try (Workers workers = new Workers(threads);
                Directory directory = Directory.of(out)) {
            results = new Reproduction(options, measured, length, chunks, workers)
                    .run(claim, chosen, directory.path(), (done, total, next) -> {
                        err.printf("%d/%d %s %s%n", done + 1, total, next.model(), next.label());
                        err.flush();
                    });
        }
        List<Finding> findings = claim.judge(chosen, results);
        Document document = new Document(
                1,
                claim.name(),
                claim.paper(),
                claim.statement(),
                results.all().entrySet().stream()
                        .map(entry -> CaseDocument.of(entry.getKey(), entry.getValue()))
                        .toList(),
                findings,
                verdict(findings),
                (System.nanoTime() - start) / 1e9,
                Provenance.of(
                        List.of(learned, measured),
                        Map.of("samples", "" + samples, "length", "" + length, "chunks", "" + chunks)));
        PrintWriter writer = spec.commandLine().getOut();
        if (common.json) {
            CommonOptions.print(writer, document);
        } else {
            print(writer, document);
        }
    }

    /** Options that belong to the study's own file have no place here. */
    private int study(StudyClaim claim, int threads) {
        if (!models.isEmpty() || calibration != null || text != null || given("--length") || html != null) {
            throw new ParameterException(
                    spec.commandLine(),
                    "%s has its models, texts and lengths from studies/%s; --samples, --draws and --chunks make it larger or smaller"
                            .formatted(claim.name(), claim.study()));
        }
        StudyFile.Size size =
                new StudyFile.Size(given("--samples") ? samples : 0, draws, given("--chunks") ? chunks : 0);
        PrintWriter writer = spec.commandLine().getOut();
        try (Directory directory = Directory.of(out)) {
            StudyReproduction.Document document =
                    new StudyReproduction(claim, spec.commandLine().getErr()).run(directory.path(), size, threads);
            if (common.json) {
                CommonOptions.print(writer, document);
            } else {
                StudyReproduction.print(writer, document);
            }
        }
        return 0;
    }

    private boolean given(String option) {
        return spec.commandLine().getParseResult().hasMatchedOption(option);
    }

    static String verdict(List<Finding> findings) {
        long holding = findings.stream().filter(Finding::holds).count();
        return holding == findings.size()
                ? "reproduced"
                : holding == 0 ? "not reproduced" : "%d of %d hold".formatted(holding, findings.size());
    }

    private static void print(PrintWriter writer, Document document) {
        writer.printf("%s (%s)%n%s%n%n", document.name(), document.paper(), document.claim());
        writer.printf("%-42s %-10s %6s %20s %20s %8s%n", "model", "recipe", "bits", "perplexity", "KL", "same top");
        for (CaseDocument row : document.cases()) {
            writer.printf(
                    "%-42s %-10s %6.3f %12.3f +- %.3f %12.5f +- %.5f %7.1f%%%n",
                    row.model(),
                    row.label(),
                    row.bitsPerWeight(),
                    row.perplexity(),
                    row.perplexityStderr(),
                    row.kl(),
                    row.klStderr(),
                    100 * row.sameTop());
        }
        print(writer, document.findings(), document.seconds());
    }

    /** The findings, one a line, and the verdict. */
    static void print(PrintWriter writer, List<Finding> findings, double seconds) {
        writer.println();
        for (Finding finding : findings) {
            writer.printf(
                    "%-5s %s (%s)%n", finding.holds() ? "holds" : "FAILS", finding.statement(), finding.measured());
        }
        writer.printf("%n%s, %.0f s%n", verdict(findings), seconds);
        writer.flush();
    }

    /** The directory of the packed models, deleted at the end unless the user named it. */
    private record Directory(Path path, boolean temporary) implements AutoCloseable {
        static Directory of(@Nullable Path named) {
            try {
                return named == null
                        ? new Directory(Files.createTempDirectory("halftone-reproduce"), true)
                        : new Directory(named, false);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            if (temporary) {
                try (var paths = Files.walk(path)) {
                    for (Path entry :
                            paths.sorted(java.util.Comparator.reverseOrder()).toList()) {
                        Files.delete(entry);
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }
}
