package dev.halftone.study.analysis;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a study found, in the order of its file. */
public record Findings(List<SetFigure> figures, List<SetEffect> effects, List<MethodFigure> methods) {
    /** A difference below so many of its standard errors is no effect. */
    public static final double SEEN = 2;

    /**
     * A recipe after calibration on one set.
     *
     * @param draws that were measured
     * @param mean over the draws
     * @param sd over the draws
     * @param error of the mean: sqrt(bootstrap over windows or items ^2 + sd^2 / draws)
     */
    public record SetFigure(
            String model,
            String recipe,
            String evaluation,
            Metric metric,
            String set,
            boolean nonsense,
            int draws,
            double mean,
            double sd,
            double min,
            double max,
            double error) {}

    /**
     * A set against the study's default set.
     *
     * @param difference of the means, this set's minus the default's, on the same windows or items
     * @param error sqrt(paired bootstrap ^2 + (sd^2 + sd of the default^2) / draws)
     */
    public record SetEffect(
            String model,
            String recipe,
            String evaluation,
            Metric metric,
            String set,
            boolean nonsense,
            double difference,
            double error) {
        /** The difference is at least two standard errors. */
        public boolean seen() {
            return Math.abs(difference) >= SEEN * error && difference != 0;
        }
    }

    /**
     * A recipe over all sets.
     *
     * @param fullPrecision of the model as it is
     * @param mean with the default set
     * @param error of it
     * @param bits stored per linear weight
     * @param best set of all
     * @param worst set of all
     * @param susceptibility of perplexity: (perplexity of the worst set - of the best) / of full precision; of the others: their
     *     difference
     * @param saneSusceptibility the same over sets that are no nonsense
     * @param withinSd sd over draws: sqrt of the mean variance
     * @param betweenSd sd over sets that are no nonsense beyond what draws explain: sqrt(max(0, var(set means) -
     *     mean(var within) / draws))
     * @param nonsenseGap mean over nonsense sets of the difference to the default; of ln perplexity: ln(nonsense / default)
     * @param nonsenseError of that mean
     */
    public record MethodFigure(
            String model,
            String recipe,
            String evaluation,
            Metric metric,
            double fullPrecision,
            double mean,
            double error,
            double bits,
            String best,
            String worst,
            double susceptibility,
            double saneSusceptibility,
            double withinSd,
            double betweenSd,
            @Nullable Double nonsenseGap,
            @Nullable Double nonsenseError) {}

    /** What a figure is of. */
    private record Subject(String model, String recipe, String evaluation, Metric metric) {}

    /** The figure of a recipe over all sets. */
    public Optional<MethodFigure> method(String model, String recipe, String evaluation, Metric metric) {
        Subject wanted = new Subject(model, recipe, evaluation, metric);
        return methods.stream()
                .filter(of -> new Subject(of.model(), of.recipe(), of.evaluation(), of.metric()).equals(wanted))
                .findFirst();
    }

    /** The figures of a recipe set by set. */
    public List<SetFigure> figures(String model, String recipe, String evaluation, Metric metric) {
        Subject wanted = new Subject(model, recipe, evaluation, metric);
        return figures.stream()
                .filter(of -> new Subject(of.model(), of.recipe(), of.evaluation(), of.metric()).equals(wanted))
                .toList();
    }
}
