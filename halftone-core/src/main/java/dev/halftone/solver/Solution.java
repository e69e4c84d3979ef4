package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.tensor.Workers;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** A solved weight, before it is compared with rounding to nearest: that takes a good part of the time of a fast solver. */
public final class Solution {
    private final WeightProblem problem;
    private final PackedWeight packed;

    /** What rounding to nearest is compared in. */
    private final NumberFormat plain;

    /** tr((W - Q) H (W - Q)^T), H without damping; NaN where the method does not know it. */
    private final double loss;

    /** Share of codes that rounding to nearest would change. */
    private final ToDoubleFunction<Workers> changed;

    private final List<Event> events;

    private Solution(
            WeightProblem problem,
            PackedWeight packed,
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

    /** Values of W rounded to nearest. */
    static Solution nearest(WeightProblem problem, GridRounding rounding, List<Event> events) {
        return new Solution(problem, rounding.pack(), rounding.format(), Double.NaN, _ -> 0, events);
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

    /**
     * A weight that is packed already.
     *
     * @param plain the number format that rounding to nearest is compared in
     * @param changed share of codes that rounding W to nearest on the same grids would change
     */
    static Solution stored(
            WeightProblem problem, PackedWeight packed, NumberFormat plain, double changed, List<Event> events) {
        return new Solution(problem, packed, plain, Double.NaN, _ -> changed, events);
    }

    /** The weight as it will be stored. */
    public PackedWeight packed() {
        return packed;
    }

    /** What did not go as the method says. */
    public List<Event> events() {
        return events;
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
            GridRounding rtn = GridRounding.fixed(problem, plain, ClipSearch.MIN_MAX, workers);
            return new SolvedWeight(
                    packed, under.relative(absolute), under.relative(under.absolute(rtn::nearest)), share, events);
        }
    }
}
