package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.PackedWeight;
import dev.halftone.tensor.Workers;
import java.util.List;

/** A solved weight, before it is compared with rounding to nearest: that takes a good part of the time of a fast solver. */
public final class Solution {
    private final WeightProblem problem;
    private final GridRounding rounding;
    private final PackedWeight packed;

    /** tr((W - Q) H (W - Q)^T), H without damping; NaN where W was rounded to nearest, whose loss nobody has asked for yet. */
    private final double loss;

    private final List<Event> events;

    private Solution(WeightProblem problem, GridRounding rounding, double loss, List<Event> events) {
        this.problem = problem;
        this.rounding = rounding;
        this.packed = rounding.pack();
        this.loss = loss;
        this.events = List.copyOf(events);
    }

    /** Values of W rounded to nearest. */
    static Solution nearest(WeightProblem problem, GridRounding rounding, List<Event> events) {
        return new Solution(problem, rounding, Double.NaN, events);
    }

    /** @param loss tr((W - Q) H (W - Q)^T), H without damping */
    static Solution of(WeightProblem problem, GridRounding rounding, double loss, List<Event> events) {
        return new Solution(problem, rounding, loss, events);
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
        boolean nearest = Double.isNaN(loss);
        double changed = nearest ? 0 : rounding.changed(problem.weight(), workers);
        if (gram == null) {
            return new SolvedWeight(packed, Double.NaN, Double.NaN, changed, events);
        }
        try (LayerLoss under = new LayerLoss(problem, gram, workers)) {
            double absolute = nearest ? under.absolute(packed.decode()) : loss;
            GridRounding plain = GridRounding.fixed(problem, rounding.format(), ClipSearch.MIN_MAX, workers);
            return new SolvedWeight(
                    packed, under.relative(absolute), under.relative(under.absolute(plain::nearest)), changed, events);
        }
    }
}
