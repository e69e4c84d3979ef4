package dev.halftone.solver;

import dev.halftone.format.NumberFormat;
import dev.halftone.tensor.Workers;
import java.util.SplittableRandom;

/**
 * Any weights: what a choice is worth shows beside this one. Drawn from the seed and the weight's name.
 *
 * @param seed of the draw
 */
public record RandomChooser(long seed) implements OutlierChooser {
    /** Golden ratio: spreads names over the seeds. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    @Override
    public String name() {
        return "random";
    }

    @Override
    public OutlierMask choose(WeightProblem problem, NumberFormat format, int count, Workers workers) {
        SplittableRandom random =
                new SplittableRandom(seed ^ SPREAD * problem.name().hashCode());
        float[] scores = new float[problem.weight().length];
        for (int at = 0; at < scores.length; at++) {
            scores[at] = (float) random.nextDouble();
        }
        return OutlierMask.largest(scores, count);
    }
}
