package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.StoredWeight;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** A solved weight, before it is compared with rounding to nearest: that takes a good part of the time of a fast solver. */
public final class Solution {
    private final WeightProblem problem;
    private final StoredWeight packed;

    /** What rounding to nearest is compared in. */
    private final NumberFormat plain;

    /** tr((W - Q) H (W - Q)^T), H without damping; NaN where the method does not know it. */
    private final double loss;

    /** Share of codes that rounding to nearest would change. */
    private final ToDoubleFunction<Workers> changed;

    private final List<Event> events;

    private Solution(
            WeightProblem problem,
            StoredWeight packed,
            NumberFormat plain,
            double loss,
            ToDoubleFunction<Workers> changed,
            List<Event> events) {
        this.problem = problem;
        this.packed = packed;
        this.plain = plain;
        this.loss = loss;
        this.changed = changed;
        this.events = List.copyOf(events);
    }

    /** Values of W rounded to nearest, beside outliers that are W itself. */
    static Solution nearest(WeightProblem problem, GridRounding rounding, List<Event> events) {
        OutlierMask mask = problem.outliers();
        StoredWeight packed;
        if (mask == null) {
            packed = rounding.pack();
        } else {
            KeptOutliers kept = new KeptOutliers(mask, problem.out(), problem.in(), rounding);
            kept.keepAll(problem.weight());
            packed = kept.packed();
        }
        return new Solution(problem, packed, rounding.format(), Double.NaN, _ -> 0, events);
    }

    /** @param loss tr((W - Q) H (W - Q)^T), H without damping */
    static Solution of(WeightProblem problem, GridRounding rounding, double loss, List<Event> events) {
        return new Solution(
                problem,
                rounding.pack(),
                rounding.format(),
                loss,
                workers -> rounding.changed(problem.weight(), workers),
                events);
    }

    /** The same with outliers. */
    static Solution kept(
            WeightProblem problem, GridRounding rounding, KeptOutliers kept, double loss, List<Event> events) {
        return of(problem, rounding, kept.packed(), loss, events);
    }

    /**
     * Codes of a rounding, and something beside them.
     *
     * @param loss NaN: measured when it is asked for
     */
    static Solution of(
            WeightProblem problem, GridRounding rounding, StoredWeight packed, double loss, List<Event> events) {
        return new Solution(
                problem,
                packed,
                rounding.format(),
                loss,
                workers -> rounding.changed(problem.weight(), workers),
                events);
    }

    /**
     * A weight in a format that is no number format.
     *
     * @param plain the number format that rounding to nearest is compared in
     * @param changed share of codes that rounding W to nearest on the same grids would change
     */
    static Solution stored(
            WeightProblem problem, StoredWeight packed, NumberFormat plain, double changed, List<Event> events) {
        return new Solution(problem, packed, plain, Double.NaN, _ -> changed, events);
    }

    /** The weight as it will be stored. */
    public StoredWeight packed() {
        return packed;
    }

    /** What did not go as the method says. */
    public List<Event> events() {
        return events;
    }

    /** The same with more to say. */
    Solution after(List<Event> before) {
        List<Event> all = new ArrayList<>(before);
        all.addAll(events);
        return new Solution(problem, packed, plain, loss, changed, all);
    }

    /** The same with its losses under H beside those of rounding to nearest. */
    public SolvedWeight withEvidence(Workers workers) {
        Gram gram = problem.gram();
        double share = changed.applyAsDouble(workers);
        if (gram == null) {
            return new SolvedWeight(packed, Double.NaN, Double.NaN, share, events);
        }
        try (LayerLoss under = new LayerLoss(problem, gram, workers)) {
            double absolute = Double.isNaN(loss) ? under.absolute(packed.decode()) : loss;
            GridRounding rtn = GridRounding.fixed(problem.withOutliers(null), plain, ClipSearch.MIN_MAX, workers);
            return new SolvedWeight(
                    packed, under.relative(absolute), under.relative(under.absolute(rtn::nearest)), share, events);
        }
    }
}
