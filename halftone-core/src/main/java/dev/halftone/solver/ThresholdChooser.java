package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.Outliers.Placement;
import dev.halftone.tensor.Workers;

/**
 * Iterative hard thresholding as QuantEase does it, for any solver: where S ends up beside a V that coordinate descent rounds is what
 * stays out.
 *
 * @param iterations of descent and thresholding
 */
public record ThresholdChooser(int iterations) implements OutlierChooser {
    @Override
    public String name() {
        return "iht";
    }

    @Override
    public boolean needsGram() {
        return true;
    }

    @Override
    public OutlierMask choose(WeightProblem problem, NumberFormat format, int count, Workers workers) {
        Gram gram = problem.gramFor("iterative hard thresholding");
        double share = (double) count / problem.weight().length;
        IterativeThreshold descent = new IterativeThreshold(
                problem, gram, format, ClipSearch.MIN_MAX, new QuantEase.Sparse(Placement.WEIGHTS, share));
        descent.run(
                CoordinateDescent.schedule(iterations, true),
                (target, grid) -> grid.nearest(target.weight(), workers),
                workers);
        return MagnitudeChooser.largest(descent.sparse(), count);
    }
}
