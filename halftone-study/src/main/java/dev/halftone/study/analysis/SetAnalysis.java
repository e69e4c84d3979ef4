package dev.halftone.study.analysis;

import dev.halftone.study.analysis.Findings.MethodFigure;
import dev.halftone.study.analysis.Findings.SetEffect;
import dev.halftone.study.analysis.Findings.SetFigure;
import dev.halftone.study.analysis.StudyData.EvaluationRow;
import dev.halftone.study.analysis.StudyData.ModelRow;
import dev.halftone.study.analysis.StudyData.RecipeRow;
import dev.halftone.study.analysis.StudyData.Row;
import dev.halftone.study.analysis.StudyData.SetRow;
import dev.halftone.study.analysis.StudyData.Units;
import dev.halftone.study.plan.StudyFile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Figures per set, effects of sets and their spread.
 *
 * <p>Source: the questions of arXiv:2405.20835 with the statistics of arXiv:2311.09755's design: several draws per set, the same
 * draws for all methods, differences on the same windows or items.
 */
public final class SetAnalysis {
    private final StudyData data;
    private final Map<String, SetRow> sets = new LinkedHashMap<>();
    private final Map<Integer, Bootstrap> bootstraps = new HashMap<>();
    private final List<SetFigure> figures = new ArrayList<>();
    private final List<SetEffect> effects = new ArrayList<>();
    private final List<MethodFigure> methods = new ArrayList<>();

    private SetAnalysis(StudyData data) {
        this.data = data;
        data.sets().forEach(set -> sets.put(set.set(), set));
    }

    /** What the measured cells say; rows of cells that are missing or failed are left out. */
    public static Findings of(StudyData data) {
        SetAnalysis analysis = new SetAnalysis(data);
        Map<List<String>, Map<String, List<Row>>> groups = new HashMap<>();
        for (Row row : data.rows()) {
            if (row.done() && data.units().containsKey(row.cell())) {
                groups.computeIfAbsent(key(row.model(), row.recipe(), row.evaluation()), _ -> new LinkedHashMap<>())
                        .computeIfAbsent(row.set(), _ -> new ArrayList<>())
                        .add(row);
            }
        }
        for (ModelRow model : data.models()) {
            for (EvaluationRow evaluation : data.evaluations()) {
                for (RecipeRow recipe : data.recipes()) {
                    var group = groups.get(key(model.model(), recipe.recipe(), evaluation.evaluation()));
                    if (group != null) {
                        for (Metric metric : metrics(evaluation)) {
                            analysis.add(group, metric);
                        }
                    }
                }
            }
        }
        return new Findings(analysis.figures, analysis.effects, analysis.methods);
    }

    private static List<String> key(String model, String recipe, String evaluation) {
        return List.of(model, recipe, evaluation);
    }

    /** What an evaluation measures. */
    public static List<Metric> metrics(EvaluationRow evaluation) {
        return evaluation.text() ? List.of(Metric.KL, Metric.LN_PERPLEXITY) : List.of(Metric.ACCURACY);
    }

    /**
     * One set's draws.
     *
     * @param values of each draw
     * @param units mean over the draws of each window or item
     */
    private record OfSet(SetRow set, double[] values, double[] units) {
        double mean() {
            return Moments.mean(values);
        }

        double variance() {
            return Moments.variance(values);
        }
    }

    private void add(Map<String, List<Row>> group, Metric metric) {
        List<OfSet> all = new ArrayList<>();
        Row first = group.values().iterator().next().getFirst();
        Units some = units(first);
        // Cells of one evaluation have the same windows, so the number of them tells evaluations apart.
        Bootstrap bootstrap =
                bootstraps.computeIfAbsent(Arrays.hashCode(some.weight()), _ -> new Bootstrap(some.weight()));
        for (SetRow set : data.sets()) {
            List<Row> rows = group.getOrDefault(set.set(), List.of());
            if (!rows.isEmpty()) {
                all.add(ofSet(set, rows, metric, bootstrap));
            }
        }
        OfSet base = all.stream().filter(of -> of.set().isDefault()).findFirst().orElse(null);
        for (OfSet of : all) {
            figures.add(figure(first, metric, of, bootstrap));
            if (base != null && !of.set().isDefault()) {
                effects.add(effect(first, metric, of, base, bootstrap));
            }
        }
        if (base != null) {
            methods.add(method(first, metric, all, base, bootstrap));
        }
    }

    private Units units(Row row) {
        Units units = data.units().get(row.cell());
        if (units == null) {
            throw new IllegalStateException("no windows of cell " + row.cell());
        }
        return units;
    }

    private OfSet ofSet(SetRow set, List<Row> rows, Metric metric, Bootstrap bootstrap) {
        double[] values = new double[rows.size()];
        double[] mean = new double[units(rows.getFirst()).weight().length];
        for (int k = 0; k < values.length; k++) {
            double[] units = units(rows.get(k)).values(metric);
            values[k] = bootstrap.mean(units);
            for (int i = 0; i < mean.length; i++) {
                mean[i] += units[i] / values.length;
            }
        }
        return new OfSet(set, values, mean);
    }

    private static SetFigure figure(Row row, Metric metric, OfSet of, Bootstrap bootstrap) {
        return new SetFigure(
                row.model(),
                row.recipe(),
                row.evaluation(),
                metric,
                of.set().set(),
                of.set().nonsense(),
                of.values().length,
                of.mean(),
                Math.sqrt(of.variance()),
                Arrays.stream(of.values()).min().orElse(Double.NaN),
                Arrays.stream(of.values()).max().orElse(Double.NaN),
                Math.hypot(bootstrap.error(of.units()), Math.sqrt(of.variance() / of.values().length)));
    }

    private static SetEffect effect(Row row, Metric metric, OfSet of, OfSet base, Bootstrap bootstrap) {
        return new SetEffect(
                row.model(),
                row.recipe(),
                row.evaluation(),
                metric,
                of.set().set(),
                of.set().nonsense(),
                of.mean() - base.mean(),
                differenceError(List.of(of), base, bootstrap));
    }

    /** Of mean(others) - base: paired over windows, independent over draws. */
    private static double differenceError(List<OfSet> others, OfSet base, Bootstrap bootstrap) {
        double[] difference = new double[base.units().length];
        double draws = base.variance() / base.values().length;
        int n = others.size();
        for (OfSet other : others) {
            for (int i = 0; i < difference.length; i++) {
                difference[i] += (other.units()[i] - base.units()[i]) / n;
            }
            draws += other.variance() / other.values().length / ((double) n * n);
        }
        return Math.hypot(bootstrap.error(difference), Math.sqrt(draws));
    }

    private MethodFigure method(Row row, Metric metric, List<OfSet> all, OfSet base, Bootstrap bootstrap) {
        List<OfSet> sane = all.stream().filter(of -> !of.set().nonsense()).toList();
        List<OfSet> nonsense = all.stream().filter(of -> of.set().nonsense()).toList();
        double full = fullPrecision(row, metric, bootstrap);
        Comparator<OfSet> goodness = Comparator.comparingDouble(OfSet::mean);
        if (metric.higherIsBetter()) {
            goodness = goodness.reversed();
        }
        double within = sane.stream().mapToDouble(OfSet::variance).average().orElse(0);
        double between =
                Moments.variance(sane.stream().mapToDouble(OfSet::mean).toArray()) - within / base.values().length;
        Double gap = nonsense.isEmpty()
                ? null
                : nonsense.stream().mapToDouble(OfSet::mean).average().orElseThrow() - base.mean();
        @Nullable Double gapError = nonsense.isEmpty() ? null : differenceError(nonsense, base, bootstrap);
        return new MethodFigure(
                row.model(),
                row.recipe(),
                row.evaluation(),
                metric,
                full,
                base.mean(),
                Math.hypot(bootstrap.error(base.units()), Math.sqrt(base.variance() / base.values().length)),
                row.bitsPerWeight(),
                all.stream().min(goodness).orElseThrow().set().set(),
                all.stream().max(goodness).orElseThrow().set().set(),
                susceptibility(all, metric, full),
                susceptibility(sane, metric, full),
                Math.sqrt(within),
                Math.sqrt(Math.max(0, between)),
                gap,
                gapError);
    }

    private static double susceptibility(List<OfSet> all, Metric metric, double full) {
        boolean perplexity = metric == Metric.LN_PERPLEXITY;
        double[] values = all.stream()
                .mapToDouble(of -> perplexity
                        ? Moments.mean(Arrays.stream(of.values()).map(Math::exp).toArray())
                        : of.mean())
                .toArray();
        double range = Arrays.stream(values).max().orElse(0)
                - Arrays.stream(values).min().orElse(0);
        return perplexity ? range / Math.exp(full) : range;
    }

    private double fullPrecision(Row row, Metric metric, Bootstrap bootstrap) {
        return data.rows().stream()
                .filter(other -> other.done()
                        && other.recipe().equals(StudyFile.FULL_PRECISION)
                        && other.model().equals(row.model())
                        && other.evaluation().equals(row.evaluation()))
                .findFirst()
                .map(other -> bootstrap.mean(units(other).values(metric)))
                .orElse(Double.NaN);
    }
}
