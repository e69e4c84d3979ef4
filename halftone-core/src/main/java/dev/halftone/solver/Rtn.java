package dev.halftone.solver;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.NumberFormat;
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
    public boolean keepsOutliers() {
        return true;
    }

    @Override
    public Solution find(WeightProblem problem, NumberFormat format, Workers workers) {
        GridRounding rounding = GridRounding.nearest(problem, format, search, workers);
        return Solution.nearest(problem, rounding, rounding.events());
    }
}
