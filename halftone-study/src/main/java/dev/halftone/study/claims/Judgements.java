package dev.halftone.study.claims;

import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.study.analysis.Metric;
import dev.halftone.study.analysis.Pairing;
import dev.halftone.study.analysis.Pairing.Difference;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.analysis.StudyData.EvaluationRow;
import dev.halftone.study.analysis.StudyData.SetRow;
import java.util.List;
import java.util.Locale;

/** Findings that several claims ask for. Comparisons are on the study's first text, with the default calibration set. */
final class Judgements {
    private final StudyData data;

    Judgements(StudyData data) {
        this.data = data;
    }

    /** Labels of the study's models. */
    List<String> models() {
        return data.models().stream().map(StudyData.ModelRow::model).toList();
    }

    /** Names of the study's texts. */
    List<String> texts() {
        return data.evaluations().stream()
                .filter(EvaluationRow::text)
                .map(EvaluationRow::evaluation)
                .toList();
    }

    private String defaultSet() {
        return data.sets().stream()
                .filter(SetRow::isDefault)
                .map(SetRow::set)
                .findFirst()
                .orElse("");
    }

    /** ln of the perplexity of the first recipe over the second's, or of the divergences' difference. */
    Difference difference(String model, Metric metric, String first, String second) {
        return Pairing.of(data, model, texts().getFirst(), defaultSet(), metric, first, second)
                .orElseThrow(() -> new IllegalStateException("no cells of " + first + " and " + second));
    }

    /** The first recipe diverges less than the second by at least two standard errors. */
    Finding less(String model, String smaller, String larger) {
        Difference d = difference(model, Metric.KL, larger, smaller);
        return new Finding(
                "%s: %s diverges less than %s".formatted(model, smaller, larger),
                d.value() > 0 && d.seen(),
                String.format(Locale.ROOT, "KL %.5f +- %.5f less", d.value(), d.error()));
    }
}
