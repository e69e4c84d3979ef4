package dev.halftone.discrete;

import dev.halftone.error.InputException;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Discrete Min-Max Violation: choose each x_j from its levels so that t(x) = max_k |a_k x - b_k| is as small as possible.
 *
 * <p>Source: arXiv:2508.13437, section 2.
 *
 * @param a A (K, n)
 * @param b (K), finite
 * @param levels S_j of each variable; variables may share one
 * @param fixed variables that keep their first code, such as outliers that are stored beside the codes
 */
public record MinMaxProblem(ConstraintMatrix a, double[] b, List<LevelSet> levels, boolean[] fixed) {
    public MinMaxProblem {
        check(b.length == a.rows(), "b has %d entries for %d constraints".formatted(b.length, a.rows()));
        check(
                levels.size() == a.columns() && fixed.length == a.columns(),
                "%d level sets and %d marks for %d variables".formatted(levels.size(), fixed.length, a.columns()));
        for (int k = 0; k < b.length; k++) {
            check(Double.isFinite(b[k]), "b[%d] is %s".formatted(k, b[k]));
        }
        levels = List.copyOf(levels);
    }

    /** All variables have the same levels and may move. */
    public MinMaxProblem(ConstraintMatrix a, double[] b, LevelSet levels) {
        this(a, b, Collections.nCopies(a.columns(), levels), new boolean[a.columns()]);
    }

    private static void check(boolean right, String finding) {
        if (!right) {
            throw new InputException("HT-760", "problem", finding, "the parts of a problem must fit together");
        }
    }

    /** Variables, n. */
    public int variables() {
        return a.columns();
    }

    /** The values that codes stand for. */
    public double[] values(int[] codes) {
        checkCodes(codes);
        double[] x = new double[codes.length];
        for (int j = 0; j < x.length; j++) {
            x[j] = levels.get(j).value(codes[j]);
        }
        return x;
    }

    /** The codes of the levels next to x. */
    public int[] nearest(double[] x) {
        check(x.length == variables(), "x has %d entries for %d variables".formatted(x.length, variables()));
        int[] codes = new int[x.length];
        Arrays.setAll(codes, j -> levels.get(j).nearest(x[j]));
        return codes;
    }

    /** D = A x - b. */
    public double[] residual(int[] codes) {
        return a.residual(values(codes), b);
    }

    /** t = max |A x - b|. */
    public double violation(int[] codes) {
        return largest(residual(codes));
    }

    static double largest(double[] d) {
        double largest = 0;
        for (double value : d) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    private void checkCodes(int[] codes) {
        check(codes.length == variables(), "%d codes for %d variables".formatted(codes.length, variables()));
        for (int j = 0; j < codes.length; j++) {
            check(
                    codes[j] >= 0 && codes[j] < levels.get(j).size(),
                    "code %d of variable %d; it has %d levels"
                            .formatted(codes[j], j, levels.get(j).size()));
        }
    }
}
