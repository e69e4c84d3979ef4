package dev.halftone.study.analysis;

import dev.halftone.study.analysis.StudyData.Row;
import dev.halftone.study.analysis.StudyData.Units;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Two recipes of one model after calibration on one set: on the same windows or items, and draw by draw, since a draw goes to both. */
public final class Pairing {
    private Pairing() {}

    /**
     * A difference of means.
     *
     * @param error sqrt(paired bootstrap over windows or items ^2 + variance of the draws' differences / draws)
     */
    public record Difference(double value, double error) {
        /** At least two standard errors, and not 0. */
        public boolean seen() {
            return Math.abs(value) >= Findings.SEEN * error && value != 0;
        }
    }

    /** The first recipe's metric minus the second's; empty where either was not measured. */
    public static Optional<Difference> of(
            StudyData data, String model, String evaluation, String set, Metric metric, String first, String second) {
        List<Row> a = rows(data, model, evaluation, set, first);
        List<Row> b = rows(data, model, evaluation, set, second);
        int draws = Math.min(a.size(), b.size());
        if (draws == 0) {
            return Optional.empty();
        }
        Units some = units(data, a.getFirst());
        Bootstrap bootstrap = new Bootstrap(some.weight());
        double[] byUnit = new double[some.weight().length];
        double[] byDraw = new double[draws];
        for (int k = 0; k < draws; k++) {
            double[] x = units(data, a.get(k)).values(metric);
            double[] y = units(data, b.get(k)).values(metric);
            byDraw[k] = bootstrap.mean(x) - bootstrap.mean(y);
            for (int i = 0; i < byUnit.length; i++) {
                byUnit[i] += (x[i] - y[i]) / draws;
            }
        }
        return Optional.of(new Difference(
                Moments.mean(byDraw),
                Math.hypot(bootstrap.error(byUnit), Math.sqrt(Moments.variance(byDraw) / draws))));
    }

    private static List<Row> rows(StudyData data, String model, String evaluation, String set, String recipe) {
        return data.rows().stream()
                .filter(row -> row.done()
                        && row.model().equals(model)
                        && row.evaluation().equals(evaluation)
                        && row.set().equals(set)
                        && row.recipe().equals(recipe)
                        && data.units().containsKey(row.cell()))
                .sorted(Comparator.comparingInt(Row::draw))
                .toList();
    }

    private static Units units(StudyData data, Row row) {
        Units units = data.units().get(row.cell());
        if (units == null) {
            throw new IllegalStateException("no windows of cell " + row.cell());
        }
        return units;
    }
}
