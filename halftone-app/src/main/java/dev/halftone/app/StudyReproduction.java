package dev.halftone.app;

import dev.halftone.hub.Zoo;
import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.study.analysis.SetAnalysis;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.claims.StudyClaim;
import dev.halftone.study.plan.StudyFile;
import dev.halftone.study.plan.StudyReader;
import dev.halftone.study.run.StudyRun;
import dev.halftone.study.run.StudyRun.Failed;
import dev.halftone.study.run.StudyRun.Summary;
import dev.halftone.study.store.StudyStore;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A claim that takes a study: runs it, or goes on with it, and judges what is in its store. */
final class StudyReproduction {
    private final StudyClaim claim;
    private final PrintWriter err;

    /** @param verdict in words; "undecided" where cells failed */
    record Document(
            int schema,
            String name,
            String paper,
            String claim,
            String study,
            int cells,
            List<Failed> failures,
            List<Finding> findings,
            String verdict,
            double seconds,
            Map<String, String> provenance) {}

    StudyReproduction(StudyClaim claim, PrintWriter err) {
        this.claim = claim;
        this.err = err;
    }

    /** @param directory where the study is kept */
    Document run(Path directory, StudyFile.Size size, int threads) {
        long start = System.nanoTime();
        StudyFile study = StudyReader.read(Zoo.study(claim.study())).sized(size);
        Summary summary;
        try (ProgressLine line = new ProgressLine("study")) {
            summary = new StudyRun(
                            study,
                            directory,
                            new StudyRun.Options("local", threads, false),
                            new StudyCommand.Told(line, err))
                    .run();
        }
        StudyData data = StudyData.read(StudyStore.open(directory));
        boolean whole = summary.failures().isEmpty();
        List<Finding> findings = whole ? claim.judge(data, SetAnalysis.of(data)) : List.of();
        return new Document(
                1,
                claim.name(),
                claim.paper(),
                claim.statement(),
                claim.study(),
                summary.cells(),
                summary.failures(),
                findings,
                whole ? ReproduceCommand.verdict(findings) : "undecided",
                (System.nanoTime() - start) / 1e9,
                data.meta());
    }

    static void print(PrintWriter writer, Document document) {
        writer.printf("%s (%s)%n%s%n%n", document.name(), document.paper(), document.claim());
        for (Finding finding : document.findings()) {
            writer.printf(
                    "%-5s %s (%s)%n", finding.holds() ? "holds" : "FAILS", finding.statement(), finding.measured());
        }
        for (Failed failed : document.failures()) {
            writer.printf("failed: %s %s: %s%n", failed.model(), failed.recipe(), failed.error());
        }
        writer.printf(
                "%n%s, %d cells of %s, %.0f s%n",
                document.verdict(), document.cells(), document.study(), document.seconds());
        writer.flush();
    }
}
