package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.tensor.Workers;

/**
 * RTN: every weight rounded to the nearest value of its group's grid. Needs no calibration unless the grid's search is weighted.
 *
 * <p>W (out, in). Cost O(out * in * candidates of the search).
 */
public final class Rtn implements WeightSolver {
    private final ClipSearch search;

    public Rtn(ClipSearch search) {
        this.search = search;
    }

    @Override
    public String name() {
        return "rtn";
    }

    @Override
    public boolean needsGram() {
        return search.weighted();
    }

    @Override
    public SolvedWeight solve(WeightProblem problem, NumberFormat format, Workers workers) {
        GridRounding rounding = GridRounding.nearest(problem, format, search, workers);
        PackedWeight packed = rounding.pack();
        Gram gram = problem.gram();
        if (gram == null) {
            return new SolvedWeight(packed, Double.NaN, Double.NaN, 0, rounding.events());
        }
        try (LayerLoss loss = new LayerLoss(problem, gram, workers)) {
            GridRounding plain = search.equals(ClipSearch.MIN_MAX)
                    ? rounding
                    : GridRounding.fixed(problem, format, ClipSearch.MIN_MAX, workers);
            return new SolvedWeight(
                    packed,
                    loss.relative(loss.absolute(packed.decode())),
                    loss.relative(loss.absolute(plain::nearest)),
                    0,
                    rounding.events());
        }
    }
}
