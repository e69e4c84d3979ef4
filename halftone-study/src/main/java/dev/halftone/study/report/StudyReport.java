package dev.halftone.study.report;

import dev.halftone.study.analysis.Findings;
import dev.halftone.study.analysis.Findings.SetEffect;
import dev.halftone.study.analysis.Metric;
import dev.halftone.study.analysis.SetAnalysis;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.analysis.StudyData.EvaluationRow;
import dev.halftone.study.analysis.StudyData.ModelRow;
import dev.halftone.study.analysis.StudyData.Row;
import dev.halftone.study.analysis.Tolerance;
import dev.halftone.study.plan.StudyFile;
import dev.halftone.study.recommend.Engine;
import dev.halftone.study.recommend.Recommendation;
import dev.halftone.study.recommend.Rules;
import dev.halftone.study.report.ReportDocument.Effect;
import dev.halftone.study.report.ReportDocument.Outliers;
import dev.halftone.study.store.StudyStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Puts a study's document together. */
public final class StudyReport {
    private static final double BUDGET = 4.5;

    private StudyReport() {}

    /** Of what is in the store of a directory now. */
    public static ReportDocument of(Path directory) {
        StudyData data = StudyData.read(StudyStore.open(directory));
        Findings findings = SetAnalysis.of(data);
        OutlierMaps maps = new OutlierMaps(directory, data.maps());
        List<Outliers> outliers = maps.all();
        List<Recommendation> recommendations = recommendations(data, findings);
        List<Rules.Judged> rules = new ArrayList<>();
        for (ModelRow model : data.models()) {
            data.evaluations().stream()
                    .filter(EvaluationRow::text)
                    .findFirst()
                    .ifPresent(text -> rules.addAll(Rules.judge(data, model.model(), text.evaluation())));
        }
        List<Row> rows = distinct(data.rows());
        return new ReportDocument(
                ReportDocument.SCHEMA,
                data.meta().getOrDefault("study", "study"),
                new Answer(data, findings).sentences(outliers, recommendations),
                data.cells(),
                (int) rows.stream().filter(Row::done).count(),
                (int) rows.stream().filter(row -> !row.done()).count(),
                data.models(),
                data.recipes(),
                data.sets(),
                data.draws(),
                data.evaluations(),
                findings.figures(),
                findings.effects().stream().map(StudyReport::effect).toList(),
                findings.methods(),
                recommendations,
                rules,
                Tolerance.of(data),
                outliers,
                maps.overlaps(),
                rows,
                data.meta());
    }

    private static Effect effect(SetEffect effect) {
        boolean worse = effect.metric().higherIsBetter() ? effect.difference() < 0 : effect.difference() > 0;
        return new Effect(
                effect.model(),
                effect.recipe(),
                effect.evaluation(),
                effect.metric(),
                effect.set(),
                effect.nonsense(),
                effect.difference(),
                effect.error(),
                !effect.seen() ? "no effect seen" : worse ? "worse" : "better");
    }

    private static List<Row> distinct(List<Row> rows) {
        Set<String> seen = new HashSet<>();
        return rows.stream().filter(row -> seen.add(row.cell())).toList();
    }

    /** One for each model under the usual budget, or under the fewest bits that were measured. */
    private static List<Recommendation> recommendations(StudyData data, Findings findings) {
        List<Recommendation> all = new ArrayList<>();
        for (ModelRow model : data.models()) {
            for (EvaluationRow evaluation : data.evaluations()) {
                Metric metric = SetAnalysis.metrics(evaluation).getFirst();
                double fewest = findings.methods().stream()
                        .filter(figure -> figure.model().equals(model.model())
                                && figure.evaluation().equals(evaluation.evaluation())
                                && figure.metric() == metric
                                && !figure.recipe().equals(StudyFile.FULL_PRECISION))
                        .mapToDouble(Findings.MethodFigure::bits)
                        .min()
                        .orElse(Double.NaN);
                if (!Double.isNaN(fewest)) {
                    all.add(Recommendation.of(
                            data,
                            findings,
                            model.model(),
                            evaluation,
                            metric,
                            Math.max(BUDGET, fewest),
                            Engine.HALFTONE));
                    break;
                }
            }
        }
        return all;
    }
}
