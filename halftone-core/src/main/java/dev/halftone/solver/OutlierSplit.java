package dev.halftone.solver;

import dev.halftone.format.NumberFormat;
import dev.halftone.tensor.Workers;
import java.util.List;
import java.util.Optional;

/**
 * Any method that leaves outliers alone, and any rule that chooses them: the chosen weights are stored beside the dense codes, in 16
 * bits and with their place, and grids are fitted to the others.
 *
 * <p>With rounding to nearest and {@link GradientChooser} this is GWQ (arXiv:2411.00850).
 */
public final class OutlierSplit implements WeightSolver {
    private final WeightSolver base;
    private final OutlierChoice choice;

    /** @param base one that {@linkplain WeightSolver#keepsOutliers keeps outliers} */
    public OutlierSplit(WeightSolver base, OutlierChoice choice) {
        if (!base.keepsOutliers()) {
            throw new IllegalArgumentException(base.name() + " keeps no outliers");
        }
        this.base = base;
        this.choice = choice;
    }

    @Override
    public String name() {
        return base.name() + "+" + choice.chooser().name();
    }

    @Override
    public boolean needsGram() {
        return base.needsGram() || choice.chooser().needsGram();
    }

    @Override
    public Optional<OutlierChoice> gradientChoice() {
        return choice.chooser() instanceof GradientChooser && choice.share() > 0
                ? Optional.of(choice)
                : Optional.empty();
    }

    @Override
    public Solution find(WeightProblem problem, NumberFormat format, Workers workers) {
        int count = choice.count(problem);
        if (count == 0) {
            return base.find(problem.withOutliers(null), format, workers);
        }
        OutlierMask given = problem.outliers();
        if (choice.chooser() instanceof GradientChooser) {
            if (given != null) {
                return base.find(problem, format, workers);
            }
            OutlierMask instead = choice.chooser().choose(problem, format, count, workers);
            return base.find(problem.withOutliers(instead), format, workers)
                    .after(List.of(new Event.NoGradient("magnitude")));
        }
        OutlierMask mask = choice.chooser().choose(problem, format, count, workers);
        return base.find(problem.withOutliers(mask), format, workers);
    }
}
