package dev.halftone.study.recommend;

import dev.halftone.error.InputException;
import dev.halftone.study.analysis.Findings;
import dev.halftone.study.analysis.Findings.MethodFigure;
import dev.halftone.study.analysis.Metric;
import dev.halftone.study.analysis.Pairing;
import dev.halftone.study.analysis.Pairing.Difference;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.analysis.StudyData.EvaluationRow;
import dev.halftone.study.analysis.StudyData.RecipeRow;
import dev.halftone.study.analysis.StudyData.SetRow;
import dev.halftone.study.plan.StudyFile;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The recipe that loses least within a budget of stored bits, of those that were measured, for one model on one evaluation.
 *
 * @param budget most bits per linear weight
 * @param fullPrecision of the model as it is
 * @param chosen null where nothing fits
 * @param others every other recipe, the least loss first
 */
public record Recommendation(
        String model,
        String evaluation,
        Metric metric,
        double budget,
        Engine engine,
        double fullPrecision,
        @Nullable Candidate chosen,
        List<Candidate> others) {
    /**
     * A recipe.
     *
     * @param bits stored per linear weight
     * @param loss its metric with the default calibration set, mean over the draws
     * @param front no other recipe loses less with as few bits
     * @param why it was chosen or not
     */
    public record Candidate(
            String recipe, double bits, double loss, double error, boolean front, boolean fits, String why) {}

    /**
     * For a model.
     *
     * @param metric of the evaluation
     * @throws InputException HT-669 if there is nothing to choose from
     */
    public static Recommendation of(
            StudyData data,
            Findings findings,
            String model,
            EvaluationRow evaluation,
            Metric metric,
            double budget,
            Engine engine) {
        List<MethodFigure> figures = findings.methods().stream()
                .filter(figure -> figure.model().equals(model)
                        && figure.evaluation().equals(evaluation.evaluation())
                        && figure.metric() == metric
                        && !figure.recipe().equals(StudyFile.FULL_PRECISION))
                .sorted(byLoss(metric))
                .toList();
        if (figures.isEmpty()) {
            throw new InputException(
                    "HT-669",
                    model,
                    "no recipe has a figure for %s on %s".formatted(metric.label(), evaluation.evaluation()),
                    "run the study further, or choose another --metric or --evaluation");
        }
        String set = data.sets().stream()
                .filter(SetRow::isDefault)
                .map(SetRow::set)
                .findFirst()
                .orElse("");
        Choice choice = new Choice(data, model, evaluation.evaluation(), set, metric, budget, engine, figures);
        return choice.make();
    }

    private static Comparator<MethodFigure> byLoss(Metric metric) {
        Comparator<MethodFigure> byLoss = Comparator.comparingDouble(MethodFigure::mean);
        return (metric.higherIsBetter() ? byLoss.reversed() : byLoss).thenComparingDouble(MethodFigure::bits);
    }

    /** One decision. */
    private record Choice(
            StudyData data,
            String model,
            String evaluation,
            String set,
            Metric metric,
            double budget,
            Engine engine,
            List<MethodFigure> figures) {
        Recommendation make() {
            MethodFigure best = figures.stream()
                    .filter(figure -> refusal(figure).isEmpty())
                    .findFirst()
                    .orElse(null);
            Candidate chosen = best == null ? null : candidate(best, true, reason(best));
            List<Candidate> others = new ArrayList<>();
            for (MethodFigure figure : figures) {
                if (!figure.equals(best)) {
                    Optional<String> refusal = refusal(figure);
                    others.add(candidate(
                            figure,
                            refusal.isEmpty(),
                            refusal.orElseGet(() -> best == null ? "" : lost(figure, best))));
                }
            }
            return new Recommendation(
                    model,
                    evaluation,
                    metric,
                    budget,
                    engine,
                    figures.getFirst().fullPrecision(),
                    chosen,
                    others);
        }

        private Optional<String> refusal(MethodFigure figure) {
            if (figure.bits() > budget) {
                return Optional.of(String.format(
                        Locale.ROOT, "over the budget: %.3f bits per weight, %.3f allowed", figure.bits(), budget));
            }
            return data.recipes().stream()
                    .filter(recipe -> recipe.recipe().equals(figure.recipe()))
                    .findFirst()
                    .map(engine::refusal)
                    .orElse(Optional.empty());
        }

        private boolean onFront(MethodFigure figure) {
            return figures.stream()
                    .noneMatch(other -> !other.equals(figure)
                            && other.bits() <= figure.bits()
                            && (metric.higherIsBetter() ? other.mean() > figure.mean() : other.mean() < figure.mean()));
        }

        private Candidate candidate(MethodFigure figure, boolean fits, String why) {
            return new Candidate(
                    figure.recipe(), figure.bits(), figure.mean(), figure.error(), onFront(figure), fits, why);
        }

        private String reason(MethodFigure best) {
            boolean free = data.recipes().stream()
                    .filter(recipe -> recipe.recipe().equals(best.recipe()))
                    .anyMatch(RecipeRow::dataFree);
            return "least loss within the budget" + (free ? "; needs no calibration" : "");
        }

        private String lost(MethodFigure figure, MethodFigure best) {
            Optional<Difference> difference =
                    Pairing.of(data, model, evaluation, set, metric, figure.recipe(), best.recipe());
            if (difference.isEmpty()) {
                return "loses more";
            }
            Difference d = difference.get();
            String size = String.format(Locale.ROOT, "%+.4f +- %.4f", d.value(), d.error());
            String bits = figure.bits() < best.bits()
                    ? String.format(Locale.ROOT, ", with %.3f bits less", best.bits() - figure.bits())
                    : "";
            return d.seen()
                    ? "loses more than " + best.recipe() + ": " + size + bits
                    : "no difference seen to " + best.recipe() + ": " + size + bits;
        }
    }
}
