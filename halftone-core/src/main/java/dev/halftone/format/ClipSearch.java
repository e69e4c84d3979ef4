package dev.halftone.format;

import dev.halftone.error.InputException;
import java.util.List;
import java.util.Locale;

/**
 * How the grid of a group is chosen: candidates bound the group's values at p = first, first - step, first - 2 step, ..., and
 * the one with the smallest error wins. Where there is more than one, p = 1 is among them, so a search never does worse in its
 * own measure than the range as it is.
 *
 * @param bounds what p means
 * @param first 1 where there is more than one candidate
 * @param candidates number of values of p
 * @param step by how much p falls from one candidate to the next
 * @param measure how errors are added up
 * @param norm exponent of the errors: 2, or any positive number for {@link Measure#PLAIN} and {@link Measure#WEIGHTED}
 * @param zeros an asymmetric grid also tries the zero points one below and one above
 * @param refits how often the winner's scale is replaced by the least-squares one for its codes, as long as the error falls
 */
public record ClipSearch(
        Bounds bounds,
        double first,
        int candidates,
        double step,
        Measure measure,
        double norm,
        boolean zeros,
        int refits) {
    /** What the number p of a candidate means. */
    public enum Bounds {
        /** Both ends of the range are multiplied by p; the ends of an affine range come together by that factor. */
        RANGE,
        /** Values are bounded at p times the largest magnitude: the longer end of an asymmetric range shrinks first. */
        MAGNITUDE,
        /** Values are bounded at the p-quantile of their magnitudes (linear interpolation). */
        QUANTILE
    }

    /** How the errors of a group are added up. */
    public enum Measure {
        /** All alike. */
        PLAIN,
        /** Each times the importance of its column, diag(H). */
        WEIGHTED,
        /** d^T H d with the group's own block of H: the error of what the group adds to the layer's output. */
        OUTPUT
    }

    /** The range of the group as it is. */
    public static final ClipSearch MIN_MAX = new ClipSearch(Bounds.RANGE, 1, 1, 0, Measure.PLAIN, 2, false, 0);

    /** Smallest squared error over 80 ratios down to 0.21. */
    public static final ClipSearch MSE = MIN_MAX.withCandidates(80, 0.01);

    /** The same with errors to the power of 2.4: GPTQ's and QuaRot's {@code mse} option. */
    public static final ClipSearch NORM = MSE.withNorm(2.4);

    /** 20 ratios down to 0.43 and three zero points, weighted by importance: the default of calibrated methods. */
    public static final ClipSearch WEIGHTED =
            MIN_MAX.withCandidates(20, 0.03).withMeasure(Measure.WEIGHTED).withZeros(true);

    /** AWQ's search of a clipping threshold: 10 bounds down to 0.55 by the error of the output. */
    public static final ClipSearch OUTPUT =
            MIN_MAX.withBounds(Bounds.MAGNITUDE, 1).withCandidates(10, 0.05).withMeasure(Measure.OUTPUT);

    /** The least-squares scale of the codes, three times over. */
    public static final ClipSearch LEAST_SQUARES = MIN_MAX.withRefits(3);

    /** Bounds at the 0.999-quantile, for whole rows and weights. */
    public static final ClipSearch PERCENTILE = MIN_MAX.withBounds(Bounds.QUANTILE, 0.999);

    private static final int MOST_CANDIDATES = 1000;
    private static final int MOST_REFITS = 100;
    private static final double LARGEST_NORM = 8;

    public ClipSearch {
        require(candidates >= 1 && candidates <= MOST_CANDIDATES, "candidates", candidates, "1 to " + MOST_CANDIDATES);
        require(first > 0 && first <= 1, bounds == Bounds.QUANTILE ? "quantile" : "ratio", first, "above 0, at most 1");
        require(step >= 0 && step < 1, "step", step, "0 to below 1");
        require(candidates == 1 || step > 0, "step", step, "a positive number where there are several candidates");
        require(candidates == 1 || first == 1, "the first ratio", first, "1 where there are several candidates");
        require(
                candidates == 1 || first - (candidates - 1) * step > 0,
                "step",
                step,
                "one that keeps all ratios above 0");
        require(norm > 0 && norm <= LARGEST_NORM, "norm", norm, "above 0, at most 8");
        require(norm == 2 || measure != Measure.OUTPUT, "norm", norm, "2 for the measure output");
        require(refits >= 0 && refits <= MOST_REFITS, "refits", refits, "0 to " + MOST_REFITS);
    }

    private static void require(boolean fine, String name, Number found, String expected) {
        if (!fine) {
            throw new InputException(
                    "HT-408", "", "%s of a search is %s; expected %s".formatted(name, found, expected), "");
        }
    }

    public ClipSearch withBounds(Bounds other, double p) {
        return new ClipSearch(other, p, candidates, step, measure, norm, zeros, refits);
    }

    public ClipSearch withCandidates(int count, double fall) {
        return new ClipSearch(bounds, first, count, fall, measure, norm, zeros, refits);
    }

    public ClipSearch withMeasure(Measure other) {
        return new ClipSearch(bounds, first, candidates, step, other, norm, zeros, refits);
    }

    public ClipSearch withNorm(double exponent) {
        return new ClipSearch(bounds, first, candidates, step, measure, exponent, zeros, refits);
    }

    public ClipSearch withZeros(boolean tried) {
        return new ClipSearch(bounds, first, candidates, step, measure, norm, tried, refits);
    }

    public ClipSearch withRefits(int most) {
        return new ClipSearch(bounds, first, candidates, step, measure, norm, zeros, most);
    }

    /** True if the search reads the inputs' second moments. */
    public boolean weighted() {
        return measure != Measure.PLAIN;
    }

    /** All names of searches. */
    public static List<String> names() {
        return List.of("minmax", "mse", "weighted", "norm", "output", "ls", "percentile");
    }

    /** The search of that name in recipes. */
    public static ClipSearch named(String name, String place) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "minmax" -> MIN_MAX;
            case "mse" -> MSE;
            case "weighted" -> WEIGHTED;
            case "norm" -> NORM;
            case "output" -> OUTPUT;
            case "ls" -> LEAST_SQUARES;
            case "percentile" -> PERCENTILE;
            default ->
                throw new InputException(
                        "HT-403", place, "search is \"" + name + "\"; known are " + String.join(", ", names()), "");
        };
    }
}
