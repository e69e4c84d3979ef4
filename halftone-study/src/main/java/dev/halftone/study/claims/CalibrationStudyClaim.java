package dev.halftone.study.claims;

import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.study.analysis.Findings;
import dev.halftone.study.analysis.Findings.MethodFigure;
import dev.halftone.study.analysis.Findings.SetFigure;
import dev.halftone.study.analysis.Metric;
import dev.halftone.study.analysis.Pairing.Difference;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.analysis.StudyData.RecipeRow;
import dev.halftone.study.plan.StudyFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Outliers and calibration sets (arXiv:2405.20835) as a twin test: the same model with and without outlier channels that change
 * nothing in full precision.
 */
final class CalibrationStudyClaim implements StudyClaim {
    private static final String TWIN = " with outliers";
    private static final String NAIVE = "naive-w8a8";
    private static final List<String> FALLING_BITS = List.of("gptq-w8g64", "gptq-w4g64", "gptq-w3g64");

    @Override
    public String name() {
        return "calibration-study";
    }

    @Override
    public String paper() {
        return "arXiv:2405.20835";
    }

    @Override
    public String statement() {
        return "Naive 8-bit weights and inputs are nearly free for a model without outlier channels and break its twin with them;"
                + " what nonsense costs as a calibration text grows as bits fall; a text of one's own kind is best at 3 bits.";
    }

    @Override
    public String study() {
        return "reproduce-calibration.yaml";
    }

    @Override
    public List<Finding> judge(StudyData data, Findings findings) {
        Judgements judgements = new Judgements(data);
        List<Finding> all = new ArrayList<>();
        for (String model : judgements.models()) {
            if (model.endsWith(TWIN)) {
                twin(judgements, model.substring(0, model.length() - TWIN.length()), model, all);
            } else {
                gaps(findings, judgements.texts().getFirst(), model, all);
                domains(findings, judgements.texts(), model, all);
            }
            all.add(constant(data, model));
        }
        return all;
    }

    private static void twin(Judgements judgements, String natural, String injected, List<Finding> all) {
        Difference free = judgements.difference(natural, Metric.LN_PERPLEXITY, NAIVE, StudyFile.FULL_PRECISION);
        Difference broken = judgements.difference(injected, Metric.LN_PERPLEXITY, NAIVE, StudyFile.FULL_PRECISION);
        all.add(new Finding(
                natural + ": naive W8A8 costs at most 2 % of perplexity", free.value() <= Math.log(1.02), ratio(free)));
        all.add(new Finding(
                injected + ": naive W8A8 costs at least ten times as much",
                broken.value() >= 10 * Math.max(free.value(), 0) && broken.seen(),
                ratio(broken)));
        all.add(judgements.less(injected, "smoothquant-w8a8", NAIVE));
    }

    private static String ratio(Difference d) {
        return String.format(
                Locale.ROOT, "perplexity x %.4f +- %.4f", Math.exp(d.value()), Math.exp(d.value()) * d.error());
    }

    /** The gap of each width is above the one before, by more than their errors can explain. */
    private static void gaps(Findings findings, String text, String model, List<Finding> all) {
        List<MethodFigure> figures = FALLING_BITS.stream()
                .map(recipe -> findings.method(model, recipe, text, Metric.LN_PERPLEXITY)
                        .orElseThrow())
                .toList();
        StringBuilder measured = new StringBuilder();
        boolean grows = true;
        for (int i = 0; i < figures.size(); i++) {
            double gap = gap(figures.get(i));
            measured.append(i == 0 ? "" : ", ")
                    .append(String.format(
                            Locale.ROOT, "%s %.4f +- %.4f", figures.get(i).recipe(), gap, error(figures.get(i))));
            if (i > 0) {
                double step = gap - gap(figures.get(i - 1));
                grows &= step > Math.hypot(error(figures.get(i)), error(figures.get(i - 1)));
            }
        }
        all.add(new Finding(model + ": the nonsense gap grows as bits fall", grows, measured.toString()));
    }

    private static double gap(MethodFigure figure) {
        return figure.nonsenseGap() == null ? 0 : figure.nonsenseGap();
    }

    private static double error(MethodFigure figure) {
        return figure.nonsenseError() == null ? 0 : figure.nonsenseError();
    }

    /** Sets have the names of the texts of their kind. */
    private static void domains(Findings findings, List<String> texts, String model, List<Finding> all) {
        for (String text : texts) {
            List<SetFigure> figures = findings.figures(model, "gptq-w3g64", text, Metric.LN_PERPLEXITY).stream()
                    .filter(figure -> texts.contains(figure.set()))
                    .toList();
            SetFigure own = figures.stream()
                    .filter(figure -> figure.set().equals(text))
                    .findFirst()
                    .orElseThrow();
            for (SetFigure other : figures) {
                if (!other.set().equals(text)) {
                    all.add(new Finding(
                            "%s: at 3 bits on %s, calibrating on it is at least as good as on %s"
                                    .formatted(model, text, other.set()),
                            own.mean() <= other.mean(),
                            String.format(
                                    Locale.ROOT,
                                    "ln perplexity %.4f against %.4f, sd over draws %.4f and %.4f",
                                    own.mean(),
                                    other.mean(),
                                    own.sd(),
                                    other.sd())));
                }
            }
        }
    }

    private static Finding constant(StudyData data, String model) {
        List<String> free = data.recipes().stream()
                .filter(RecipeRow::dataFree)
                .map(RecipeRow::recipe)
                .toList();
        long rows = data.rows().stream()
                .filter(row -> row.model().equals(model) && free.contains(row.recipe()))
                .count();
        long values = data.rows().stream()
                .filter(row -> row.model().equals(model) && free.contains(row.recipe()))
                .map(row -> List.of(row.recipe(), row.evaluation(), row.kl(), row.perplexity()))
                .distinct()
                .count();
        return new Finding(
                model + ": recipes that read no data give one result for all sets and draws",
                values == (long) free.size() * data.evaluations().size(),
                "%d results in %d rows".formatted(values, rows));
    }
}
