package dev.halftone.app;

import dev.halftone.error.InputException;
import dev.halftone.study.analysis.Findings;
import dev.halftone.study.analysis.Metric;
import dev.halftone.study.analysis.SetAnalysis;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.analysis.StudyData.EvaluationRow;
import dev.halftone.study.analysis.StudyData.ModelRow;
import dev.halftone.study.recommend.Engine;
import dev.halftone.study.recommend.Recommendation;
import dev.halftone.study.recommend.Recommendation.Candidate;
import dev.halftone.study.recommend.Rules;
import dev.halftone.study.report.DocumentJson;
import dev.halftone.study.store.StudyStore;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone recommend DIR}. */
@Command(
        name = "recommend",
        description = "Names the recipe of a study that loses least within a budget, and why the others lost.",
        mixinStandardHelpOptions = true)
final class RecommendCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "DIR", description = "where a study has run")
    private Path directory = Path.of("");

    @Option(
            names = "--budget",
            paramLabel = "BITS",
            required = true,
            description = "most bits per linear weight, such as 4.5bpw")
    private String budget = "";

    @Option(
            names = "--metric",
            paramLabel = "kl|ln_perplexity|accuracy",
            description = "what loss is (default: kl, of a task accuracy)")
    private @Nullable String metric;

    @Option(names = "--evaluation", paramLabel = "NAME", description = "measured on (default: the study's first)")
    private @Nullable String evaluation;

    @Option(
            names = "--for",
            paramLabel = "ENGINE",
            description = "only what this engine runs: halftone (default), gguf (llama.cpp), vllm")
    private String engine = "halftone";

    @Option(names = "--model", paramLabel = "LABEL", description = "one of the study's models (default: each)")
    private @Nullable String model;

    @Option(names = "--json", description = "print one JSON document on standard output")
    private boolean json;

    private record Document(int schema, List<Recommendation> recommendations, List<Rules.Judged> rules) {}

    @Override
    public Integer call() {
        double bits = bits();
        Engine chosen = Engine.named(engine).orElseThrow(() -> unknown("--for", engine, Engine.names()));
        StudyData data = StudyData.read(StudyStore.open(directory));
        EvaluationRow on = evaluation(data);
        Metric by = metric(on);
        Findings findings = SetAnalysis.of(data);
        List<Recommendation> all = new ArrayList<>();
        List<Rules.Judged> rules = new ArrayList<>();
        for (String label : models(data)) {
            all.add(Recommendation.of(data, findings, label, on, by, bits, chosen));
            if (on.text()) {
                rules.addAll(Rules.judge(data, label, on.evaluation()));
            }
        }
        PrintWriter writer = spec.commandLine().getOut();
        if (json) {
            writer.println(DocumentJson.indented(new Document(1, all, rules)));
        } else {
            all.forEach(recommendation -> print(writer, recommendation, rules));
        }
        writer.flush();
        return 0;
    }

    private static InputException unknown(String option, String found, String known) {
        return new InputException("HT-668", option, "\"" + found + "\"; known are " + known, "");
    }

    private double bits() {
        try {
            double bits = Double.parseDouble(budget.replaceFirst("bpw$", ""));
            if (bits > 0 && bits < Double.POSITIVE_INFINITY) {
                return bits;
            }
        } catch (NumberFormatException e) {
            throw new InputException("HT-668", "--budget", "\"" + budget + "\"; expected bits such as 4.5bpw", "");
        }
        throw new InputException("HT-668", "--budget", "\"" + budget + "\"; expected bits such as 4.5bpw", "");
    }

    private EvaluationRow evaluation(StudyData data) {
        return data.evaluations().stream()
                .filter(row -> evaluation == null || row.evaluation().equals(evaluation))
                .findFirst()
                .orElseThrow(() -> unknown(
                        "--evaluation",
                        String.valueOf(evaluation),
                        data.evaluations().stream()
                                .map(EvaluationRow::evaluation)
                                .collect(Collectors.joining(", "))));
    }

    private Metric metric(EvaluationRow on) {
        List<Metric> known = SetAnalysis.metrics(on);
        return metric == null
                ? known.getFirst()
                : Arrays.stream(Metric.values())
                        .filter(m -> m.label().equals(metric) && known.contains(m))
                        .findFirst()
                        .orElseThrow(() -> unknown(
                                "--metric",
                                String.valueOf(metric),
                                known.stream().map(Metric::label).collect(Collectors.joining(", ")) + " for "
                                        + on.evaluation()));
    }

    private List<String> models(StudyData data) {
        List<String> labels = data.models().stream().map(ModelRow::model).toList();
        if (model == null) {
            return labels;
        }
        if (!labels.contains(model)) {
            throw unknown("--model", model, String.join(", ", labels));
        }
        return List.of(model);
    }

    private static void print(PrintWriter writer, Recommendation of, List<Rules.Judged> rules) {
        Candidate chosen = of.chosen();
        writer.printf(
                Locale.ROOT,
                "%s: %s%n",
                of.model(),
                chosen == null
                        ? "no recipe of this study fits"
                        : String.format(Locale.ROOT, "take %s, %s", chosen.recipe(), chosen.why()));
        writer.printf(
                Locale.ROOT,
                "  %s on %s, full precision %.4f; budget %.3f bits per weight; for %s%n",
                of.metric().title(),
                of.evaluation(),
                of.fullPrecision(),
                of.budget(),
                of.engine().label());
        writer.printf("  %-26s %7s %20s  %-5s  %s%n", "recipe", "bits", "loss", "front", "why");
        if (chosen != null) {
            row(writer, chosen, "*");
        }
        of.others().forEach(candidate -> row(writer, candidate, " "));
        List<Rules.Judged> own =
                rules.stream().filter(rule -> rule.model().equals(of.model())).toList();
        if (!own.isEmpty()) {
            writer.println("  Rules for plain rounding (arXiv:2402.18158) beside what was measured:");
            for (Rules.Judged rule : own) {
                writer.printf(
                        "    %-13s %-60s %-18s %s%n",
                        rule.setting(), rule.statement(), rule.verdict(), Rules.measured(rule));
            }
        }
        writer.println();
    }

    private static void row(PrintWriter writer, Candidate c, String mark) {
        writer.printf(
                Locale.ROOT,
                "%s %-26s %7.3f %10.4f +- %.4f  %-5s  %s%n",
                mark,
                c.recipe(),
                c.bits(),
                c.loss(),
                c.error(),
                c.front() ? "yes" : "",
                c.why());
    }
}
