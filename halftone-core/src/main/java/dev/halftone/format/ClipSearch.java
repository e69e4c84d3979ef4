package dev.halftone.format;

import dev.halftone.error.InputException;
import java.util.Locale;

/**
 * How the grid of a group is chosen: candidates shrink the group's range by p = 1, 1 - step, 1 - 2 step, ..., and the one with
 * the smallest squared error wins; p = 1 is always among them, so a search never does worse in its own measure.
 *
 * @param candidates number of ratios; 1 takes the range as it is
 * @param step by how much the ratio falls from one candidate to the next
 * @param weighted errors are multiplied by the importance of their column, diag(H)
 * @param zeros an asymmetric grid also tries the zero points one below and one above
 */
public record ClipSearch(int candidates, double step, boolean weighted, boolean zeros) {
    /** The range of the group as it is. */
    public static final ClipSearch MIN_MAX = new ClipSearch(1, 0, false, false);

    /** Smallest squared error over 80 ratios down to 0.21. */
    public static final ClipSearch MSE = new ClipSearch(80, 0.01, false, false);

    /** 20 ratios down to 0.43 and three zero points, weighted by importance: the default of calibrated methods. */
    public static final ClipSearch WEIGHTED = new ClipSearch(20, 0.03, true, true);

    /** The search of that name in recipes. */
    public static ClipSearch named(String name, String place) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "minmax" -> MIN_MAX;
            case "mse" -> MSE;
            case "weighted" -> WEIGHTED;
            default ->
                throw new InputException(
                        "HT-403", place, "search is \"" + name + "\"; known are minmax, mse, weighted", "");
        };
    }
}
