package dev.halftone.study.analysis;

import dev.halftone.study.analysis.Pairing.Difference;
import dev.halftone.study.analysis.StudyData.EvaluationRow;
import dev.halftone.study.analysis.StudyData.ModelRow;
import dev.halftone.study.analysis.StudyData.RecipeRow;
import dev.halftone.study.analysis.StudyData.Row;
import dev.halftone.study.analysis.StudyData.SetRow;
import dev.halftone.study.plan.StudyFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is left of a task's score above chance after quantization, with the default calibration set.
 *
 * <p>Source: arXiv:2402.18158, the normalisation of its tolerance charts: retained = max(0, (accuracy - chance) / (accuracy of full
 * precision - chance)); at least 0.98 is no loss.
 *
 * @param chance accuracy of guessing
 * @param retained null where full precision itself is not two standard errors above chance: then there is nothing to retain
 * @param error of it, from the paired difference of the accuracies
 * @param verdict "no loss", "loss", "too close to say" within two errors of 0.98, or "chance"
 */
public record Tolerance(
        String model,
        String recipe,
        String evaluation,
        double accuracy,
        double fullPrecision,
        double chance,
        @Nullable Double retained,
        @Nullable Double error,
        String verdict) {
    private static final double NO_LOSS = 0.98;

    /** Of every model and recipe on every task. */
    public static List<Tolerance> of(StudyData data) {
        String set = data.sets().stream()
                .filter(SetRow::isDefault)
                .map(SetRow::set)
                .findFirst()
                .orElse("");
        List<Tolerance> all = new ArrayList<>();
        for (ModelRow model : data.models()) {
            for (EvaluationRow evaluation : data.evaluations()) {
                Optional<Row> full = evaluation.text()
                        ? Optional.empty()
                        : row(data, model, evaluation, set, StudyFile.FULL_PRECISION);
                for (RecipeRow recipe : data.recipes()) {
                    if (full.isPresent() && !recipe.recipe().equals(StudyFile.FULL_PRECISION)) {
                        Pairing.of(
                                        data,
                                        model.model(),
                                        evaluation.evaluation(),
                                        set,
                                        Metric.ACCURACY,
                                        recipe.recipe(),
                                        StudyFile.FULL_PRECISION)
                                .ifPresent(difference -> all.add(of(full.get(), recipe.recipe(), difference)));
                    }
                }
            }
        }
        return all;
    }

    private static Optional<Row> row(
            StudyData data, ModelRow model, EvaluationRow evaluation, String set, String recipe) {
        return data.rows().stream()
                .filter(row -> row.done()
                        && row.model().equals(model.model())
                        && row.evaluation().equals(evaluation.evaluation())
                        && row.set().equals(set)
                        && row.recipe().equals(recipe))
                .findFirst();
    }

    private static Tolerance of(Row full, String recipe, Difference difference) {
        double above = full.accuracy() - full.chance();
        boolean known = above > Findings.SEEN * full.accuracyStderr();
        double share = 1 + difference.value() / above;
        double error = difference.error() / above;
        return new Tolerance(
                full.model(),
                recipe,
                full.evaluation(),
                full.accuracy() + difference.value(),
                full.accuracy(),
                full.chance(),
                known ? Math.max(0, share) : null,
                known ? error : null,
                known ? verdict(share - NO_LOSS, error) : "chance");
    }

    private static String verdict(double over, double error) {
        if (Math.abs(over) < Findings.SEEN * error) {
            return "too close to say";
        }
        return over >= 0 ? "no loss" : "loss";
    }
}
