package dev.halftone.study.report;

import dev.halftone.study.analysis.Findings.MethodFigure;
import dev.halftone.study.analysis.StudyData.ModelRow;
import dev.halftone.study.analysis.StudyData.RecipeRow;
import dev.halftone.study.plan.StudyFile;
import dev.halftone.study.recommend.Recommendation;
import dev.halftone.study.recommend.Rules;
import dev.halftone.study.report.ReportDocument.Effect;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A study's document as Markdown: the answer, the tables, what made it. */
public final class MarkdownReport {
    private final ReportDocument document;
    private final StringBuilder text = new StringBuilder();

    private MarkdownReport(ReportDocument document) {
        this.document = document;
    }

    public static String of(ReportDocument document) {
        return new MarkdownReport(document).write();
    }

    private String write() {
        text.append("# ").append(document.study()).append("\n\n");
        document.answer().forEach(sentence -> text.append(sentence).append("\n\n"));
        text.append("%d of %d cells measured, %d failed.\n\n"
                .formatted(document.done(), document.cells(), document.failed()));
        methods();
        effects();
        outliers();
        choices();
        tolerance();
        provenance();
        return text.toString();
    }

    private void table(String title, List<String> header, List<List<String>> rows) {
        if (rows.isEmpty()) {
            return;
        }
        text.append("## ").append(title).append("\n\n| ");
        text.append(String.join(" | ", header)).append(" |\n|").append("---|".repeat(header.size()));
        text.append("\n");
        for (List<String> row : rows) {
            text.append("| ").append(String.join(" | ", row)).append(" |\n");
        }
        text.append("\n");
    }

    private static String number(String pattern, @Nullable Double value) {
        return value == null || value.isNaN() ? "" : String.format(Locale.ROOT, pattern, value);
    }

    private void methods() {
        List<List<String>> rows = new ArrayList<>();
        for (MethodFigure m : document.methods()) {
            if (!m.recipe().equals(StudyFile.FULL_PRECISION)) {
                rows.add(List.of(
                        m.model(),
                        m.recipe(),
                        m.evaluation(),
                        m.metric().label(),
                        number("%.3f", m.bits()),
                        number("%.5f", m.mean()) + " ± " + number("%.5f", m.error()),
                        m.best(),
                        m.worst(),
                        number("%.4f", m.susceptibility()),
                        number("%.4f", m.saneSusceptibility()),
                        number("%.4f", m.withinSd()),
                        number("%.4f", m.betweenSd()),
                        m.nonsenseGap() == null
                                ? ""
                                : number("%.4f", m.nonsenseGap()) + " ± " + number("%.4f", m.nonsenseError())));
            }
        }
        table(
                "Recipes over all sets",
                List.of(
                        "model",
                        "recipe",
                        "measured on",
                        "metric",
                        "bits",
                        "default set",
                        "best set",
                        "worst set",
                        "susceptibility",
                        "of sane sets",
                        "sd over draws",
                        "sd between sets",
                        "nonsense gap"),
                rows);
    }

    private void effects() {
        List<List<String>> rows = new ArrayList<>();
        for (Effect e : document.effects()) {
            boolean free = document.recipes().stream()
                    .filter(recipe -> recipe.recipe().equals(e.recipe()))
                    .anyMatch(RecipeRow::dataFree);
            if (!free) {
                rows.add(List.of(
                        e.model(),
                        e.recipe(),
                        e.set(),
                        e.evaluation(),
                        e.metric().label(),
                        number("%+.5f", e.difference()) + " ± " + number("%.5f", e.error()),
                        e.verdict()));
            }
        }
        table(
                "Sets against the default set",
                List.of("model", "recipe", "set", "measured on", "metric", "difference", "verdict"),
                rows);
    }

    private void outliers() {
        table(
                "Activations",
                List.of(
                        "model",
                        "text",
                        "LLM.int8 channels",
                        "residual: largest / median",
                        "largest kurtosis of inputs"),
                document.outliers().stream()
                        .map(o -> List.of(
                                o.model(),
                                o.set(),
                                String.valueOf(o.int8Channels()),
                                number("%.1f", o.massive()),
                                number(
                                        "%.1f",
                                        o.kinds().stream()
                                                .filter(kind -> kind.kind().endsWith("input"))
                                                .flatMap(kind -> kind.kurtosis().stream())
                                                .mapToDouble(Double::doubleValue)
                                                .max()
                                                .orElse(0))))
                        .toList());
    }

    private void choices() {
        List<List<String>> rows = new ArrayList<>();
        for (Recommendation r : document.recommendations()) {
            List<Recommendation.Candidate> all = new ArrayList<>();
            if (r.chosen() != null) {
                all.add(r.chosen());
            }
            all.addAll(r.others());
            for (Recommendation.Candidate c : all) {
                rows.add(List.of(
                        r.model(),
                        c.recipe(),
                        number("%.3f", c.bits()),
                        number("%.5f", c.loss()) + " ± " + number("%.5f", c.error()),
                        c.front() ? "yes" : "",
                        c.why()));
            }
        }
        table("What to take", List.of("model", "recipe", "bits", "loss", "front", "why"), rows);
        table(
                "Published rules (arXiv:2402.18158) beside these measurements",
                List.of("model", "setting", "rule", "measured with", "measured", "here"),
                document.rules().stream()
                        .map(rule -> List.of(
                                rule.model(),
                                rule.setting(),
                                rule.statement(),
                                rule.recipe() == null ? "" : rule.recipe(),
                                Rules.measured(rule),
                                rule.verdict()))
                        .toList());
    }

    private void tolerance() {
        table(
                "What is left of tasks above chance",
                List.of("model", "recipe", "task", "accuracy", "full precision", "chance", "retained", "verdict"),
                document.tolerance().stream()
                        .map(t -> List.of(
                                t.model(),
                                t.recipe(),
                                t.evaluation(),
                                number("%.3f", t.accuracy()),
                                number("%.3f", t.fullPrecision()),
                                number("%.3f", t.chance()),
                                t.retained() == null
                                        ? ""
                                        : number("%.3f", t.retained()) + " ± " + number("%.3f", t.error()),
                                t.verdict()))
                        .toList());
    }

    private void provenance() {
        text.append("## What made this\n\n");
        document.provenance().forEach((key, value) -> {
            if (!key.equals("source")) {
                text.append("- ").append(key).append(": ").append(value).append("\n");
            }
        });
        for (ModelRow model : document.models()) {
            text.append("- ")
                    .append(model.model())
                    .append(": SHA-256 ")
                    .append(model.sha256())
                    .append("\n");
        }
        text.append("\n```yaml\n")
                .append(document.provenance().getOrDefault("source", ""))
                .append("```\n");
    }
}
