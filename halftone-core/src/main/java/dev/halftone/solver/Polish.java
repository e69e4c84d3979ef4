package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.OutlierWeight;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredWeight;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * QuantEase's coordinate descent behind another method: grids and outliers stay as that has chosen them, codes change. Every row keeps
 * the better of what it was and what it has become, so the error never rises.
 *
 * <p>Source: Behdin et al., arXiv:2309.01885, section on starting from another solution.
 */
public final class Polish implements WeightSolver {
    private final WeightSolver base;
    private final int sweeps;

    /** @param sweeps over all columns; every third is relaxed */
    public Polish(WeightSolver base, int sweeps) {
        this.base = base;
        this.sweeps = sweeps;
    }

    @Override
    public String name() {
        return base.name() + "+polish";
    }

    @Override
    public boolean needsGram() {
        return true;
    }

    @Override
    public boolean keepsOutliers() {
        return base.keepsOutliers();
    }

    @Override
    public Optional<OutlierChoice> gradientChoice() {
        return base.gradientChoice();
    }

    @Override
    public Solution find(WeightProblem problem, NumberFormat format, Workers workers) {
        Gram gram = problem.gramFor("coordinate descent");
        Solution found = base.find(problem, format, workers);
        if (Arrays.stream(gram.diagonal()).anyMatch(square -> !Double.isFinite(square)) || gram.trace() == 0) {
            // The method before has said so.
            return found;
        }
        return switch (found.packed()) {
            case PackedWeight packed -> polished(problem, gram, found, packed, packed, workers);
            case OutlierWeight weight
            when weight.dense() instanceof PackedWeight packed ->
                polished(problem, gram, found, packed, weight, workers);
            default ->
                found.after(
                        List.of(new Event.NotPolished(found.packed().format().label())));
        };
    }

    private Solution polished(
            WeightProblem problem, Gram gram, Solution found, PackedWeight dense, StoredWeight whole, Workers workers) {
        float[] start = dense.decode();
        float[] target = problem.weight().clone();
        if (whole instanceof OutlierWeight weight) {
            float[] sparse = new float[target.length];
            for (int row = 0; row < problem.out(); row++) {
                weight.outliers().add(row, sparse, row * problem.in());
            }
            for (int at = 0; at < target.length; at++) {
                target[at] -= sparse[at];
            }
        }
        GridRounding rounding = GridRounding.of(problem.withOutliers(null), dense);
        float[] best;
        try (CoordinateDescent descent = new CoordinateDescent(target, start, true, gram, rounding, null, workers)) {
            descent.run(CoordinateDescent.schedule(sweeps, true));
            best = descent.best();
        }
        StoredWeight codes = rounding.packed(best, null, workers);
        StoredWeight packed =
                whole instanceof OutlierWeight weight ? new OutlierWeight(codes, weight.outliers()) : codes;
        return Solution.of(problem, rounding, packed, Double.NaN, found.events());
    }
}
