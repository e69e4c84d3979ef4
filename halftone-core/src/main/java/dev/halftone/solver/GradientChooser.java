package dev.halftone.solver;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.NumberFormat;
import dev.halftone.tensor.Workers;

/**
 * GWQ: the weights whose gradient of the model's loss is largest. The gradient of all weights comes before any of them is solved,
 * from the original model, so the choice is made by {@link #choose(float[], WeightProblem, NumberFormat, int, Workers)}.
 *
 * <p>Source: Shao et al., arXiv:2411.00850. No code of the authors is public.
 *
 * @param score of a weight w with gradient g
 * @param samples calibration sequences whose gradients are looked at; the authors find that one is enough
 */
public record GradientChooser(Score score, int samples) implements OutlierChooser {
    /** What weights are ranked by. */
    public enum Score {
        /** |g|: the paper's. The same order as g^2, the diagonal of Fisher's information. */
        GRADIENT("gradient"),
        /** |g w|: by how much the loss changes, to first order, if the weight goes. */
        REMOVAL("gradient-weight"),
        /** |g (w - RTN(w))|: by how much it changes if the weight is rounded. */
        ROUNDING("gradient-error");

        private final String title;

        Score(String title) {
            this.title = title;
        }

        /** The name in recipes and reports. */
        public String title() {
            return title;
        }
    }

    @Override
    public String name() {
        return score.title();
    }

    /** Without a gradient: by magnitude. */
    @Override
    public OutlierMask choose(WeightProblem problem, NumberFormat format, int count, Workers workers) {
        return MagnitudeChooser.largest(problem.weight(), count);
    }

    /** @param gradient magnitudes |g| (out, in) */
    public OutlierMask choose(
            float[] gradient, WeightProblem problem, NumberFormat format, int count, Workers workers) {
        float[] factor = switch (score) {
            case GRADIENT -> new float[0];
            case REMOVAL -> problem.weight();
            case ROUNDING -> {
                float[] errors = GridRounding.fixed(problem, format, ClipSearch.MIN_MAX, workers)
                        .nearest(problem.weight(), workers);
                for (int at = 0; at < errors.length; at++) {
                    errors[at] -= problem.weight()[at];
                }
                yield errors;
            }
        };
        float[] scores = new float[gradient.length];
        for (int at = 0; at < scores.length; at++) {
            scores[at] = Math.abs(factor.length == 0 ? gradient[at] : gradient[at] * factor[at]);
        }
        return OutlierMask.largest(scores, count);
    }
}
