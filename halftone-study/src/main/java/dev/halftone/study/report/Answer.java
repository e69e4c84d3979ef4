package dev.halftone.study.report;

import dev.halftone.study.analysis.Findings;
import dev.halftone.study.analysis.Findings.MethodFigure;
import dev.halftone.study.analysis.Findings.SetEffect;
import dev.halftone.study.analysis.Metric;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.analysis.StudyData.ModelRow;
import dev.halftone.study.analysis.StudyData.RecipeRow;
import dev.halftone.study.recommend.Recommendation;
import dev.halftone.study.report.ReportDocument.Outliers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The three sentences on top of a report: calibration sets, outliers, what to take. Each has its numbers. */
final class Answer {
    private static final int NAMED = 4;

    private final StudyData data;
    private final Findings findings;

    Answer(StudyData data, Findings findings) {
        this.data = data;
        this.findings = findings;
    }

    List<String> sentences(List<Outliers> outliers, List<Recommendation> recommendations) {
        return List.of(sets(), outliers(outliers), choice(recommendations));
    }

    private String sets() {
        List<SetEffect> sane = effects(false);
        List<SetEffect> nonsense = effects(true);
        if (sane.isEmpty() && nonsense.isEmpty()) {
            return "Nothing can be said about calibration sets yet: fewer than two sets have been measured with a recipe that"
                    + " reads them.";
        }
        String defaultSet = data.sets().stream()
                .filter(StudyData.SetRow::isDefault)
                .map(StudyData.SetRow::set)
                .findFirst()
                .orElse("");
        StringBuilder text = new StringBuilder();
        if (!sane.isEmpty()) {
            long seen = sane.stream().filter(SetEffect::seen).count();
            text.append(
                    seen == 0
                            ? "Which sane text you calibrate on makes no difference that this study could see: none of %d"
                                            .formatted(sane.size())
                                    + " comparisons with \"" + defaultSet + "\" reaches two standard errors"
                            : "Which sane text you calibrate on makes a difference in %d of %d comparisons with \"%s\", %s"
                                    .formatted(seen, sane.size(), defaultSet, largest(sane)));
        }
        if (!nonsense.isEmpty()) {
            long seen = nonsense.stream().filter(SetEffect::seen).count();
            boolean alone = text.isEmpty();
            text.append(alone ? "Nonsense" : "; nonsense")
                    .append(
                            seen == 0
                                    ? " does no harm that could be seen in %d comparisons".formatted(nonsense.size())
                                    : " makes %s in %d of %d, %s"
                                            .formatted(
                                                    alone ? "a difference" : "one",
                                                    seen,
                                                    nonsense.size(),
                                                    largest(nonsense)));
        }
        return text.append(".").toString();
    }

    /** Of recipes that read a set: those of perplexity where there is a text, else of accuracy. */
    private List<SetEffect> effects(boolean nonsense) {
        Metric metric = data.evaluations().stream().anyMatch(StudyData.EvaluationRow::text)
                ? Metric.LN_PERPLEXITY
                : Metric.ACCURACY;
        return findings.effects().stream()
                .filter(effect -> effect.metric() == metric
                        && effect.nonsense() == nonsense
                        && !recipe(effect.recipe()).map(RecipeRow::dataFree).orElse(true))
                .toList();
    }

    private Optional<RecipeRow> recipe(String name) {
        return data.recipes().stream()
                .filter(recipe -> recipe.recipe().equals(name))
                .findFirst();
    }

    private static String largest(List<SetEffect> effects) {
        SetEffect most = effects.stream()
                .filter(SetEffect::seen)
                .max(Comparator.comparingDouble(effect -> Math.abs(effect.difference())))
                .orElseThrow();
        return "at most %s (%s, %s, \"%s\", measured on %s)"
                .formatted(change(most), most.model(), most.recipe(), most.set(), most.evaluation());
    }

    private static String change(SetEffect effect) {
        if (effect.metric() == Metric.LN_PERPLEXITY) {
            return String.format(
                    Locale.ROOT,
                    "%+.1f +- %.1f %% perplexity",
                    100 * Math.expm1(effect.difference()),
                    100 * Math.exp(effect.difference()) * effect.error());
        }
        return String.format(Locale.ROOT, "%+.1f +- %.1f points", 100 * effect.difference(), 100 * effect.error());
    }

    private String outliers(List<Outliers> outliers) {
        List<String> models = new ArrayList<>();
        for (ModelRow model : data.models()) {
            naive(model.model())
                    .ifPresent(figure -> models.add(String.format(
                            Locale.ROOT,
                            "%.4g on %s%s",
                            Math.exp(figure.mean() - figure.fullPrecision()),
                            model.model(),
                            largest(model.model(), outliers))));
        }
        if (models.isEmpty()) {
            List<String> ratios = data.models().stream()
                    .map(model -> model.model() + largest(model.model(), outliers))
                    .filter(text -> text.contains("("))
                    .toList();
            return ratios.isEmpty()
                    ? "Nothing can be said about outliers yet: no activations were looked at and no inputs were rounded."
                    : "Rounding the inputs of linears was not measured, so how far outliers hurt is open; activations of "
                            + listed(ratios) + ".";
        }
        return "Rounding weights and inputs of linears without any care for outliers multiplies perplexity by "
                + listed(models) + ".";
    }

    private static String listed(List<String> parts) {
        List<String> shown = parts.size() <= NAMED ? parts : parts.subList(0, NAMED);
        String rest = parts.size() <= NAMED ? "" : " (and " + (parts.size() - NAMED) + " more below)";
        return shown.size() == 1
                ? shown.getFirst() + rest
                : String.join(", ", shown.subList(0, shown.size() - 1)) + " and " + shown.getLast() + rest;
    }

    private static String largest(String model, List<Outliers> outliers) {
        return outliers.stream()
                .filter(found -> found.model().equals(model))
                .findFirst()
                .map(found -> String.format(
                        Locale.ROOT,
                        " (inputs reach %.0f times their median)",
                        found.kinds().stream()
                                .filter(kind -> kind.kind().equals("attention input")
                                        || kind.kind().equals("MLP input"))
                                .flatMap(kind -> kind.maxToMedian().stream())
                                .mapToDouble(Double::doubleValue)
                                .max()
                                .orElse(0)))
                .orElse("");
    }

    /** Plain rounding of weights and inputs, the one with the most bits. */
    private Optional<MethodFigure> naive(String model) {
        return data.recipes().stream()
                .filter(recipe -> recipe.dataFree()
                        && recipe.inputBits() != null
                        && recipe.cacheBits() == null
                        && recipe.transforms().isEmpty())
                .max(Comparator.comparingInt(
                        recipe -> Optional.ofNullable(recipe.inputBits()).orElse(0) * 16
                                + Optional.ofNullable(recipe.weightBits()).orElse(0)))
                .flatMap(recipe -> findings.methods().stream()
                        .filter(figure -> figure.model().equals(model)
                                && figure.recipe().equals(recipe.recipe())
                                && figure.metric() == Metric.LN_PERPLEXITY)
                        .findFirst());
    }

    private static String choice(List<Recommendation> recommendations) {
        List<String> choices = new ArrayList<>();
        double budget = 0;
        for (Recommendation of : recommendations) {
            if (of.chosen() != null) {
                budget = of.budget();
                choices.add(String.format(
                        Locale.ROOT,
                        "%s for %s (%s %.4f +- %.4f at %.2f bits)",
                        of.chosen().recipe(),
                        of.model(),
                        of.metric() == Metric.KL ? "KL" : of.metric().title(),
                        of.chosen().loss(),
                        of.chosen().error(),
                        of.chosen().bits()));
            }
        }
        return choices.isEmpty()
                ? "No recipe can be recommended yet."
                : String.format(Locale.ROOT, "Under %s bits per weight take %s.", budget, listed(choices));
    }
}
