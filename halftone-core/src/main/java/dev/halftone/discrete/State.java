package dev.halftone.discrete;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * An assignment with what follows from it: D, t, the sum of D^2 and the worst rows, kept up to date move by move; and p = A^T D once the
 * growth of the sum has been asked for, which by G = A^T A then is a few products: for a change c of x it is 2 p c + c^T G c.
 */
final class State {
    private final MinMaxProblem problem;
    private final int mostWorst;
    private final int[] codes;

    /** D = A x - b. */
    private final double[] d;

    /** What follows; null where a move has changed D since. */
    private @Nullable Summary summary;

    /** p; null before somebody asks, and for matrices that have no G. */
    private double @Nullable [] slopes;

    /**
     * Of D.
     *
     * @param t the largest |D|
     * @param squares sum of D^2
     * @param worst L: the rows of the largest |D|, falling, of equals the first row first
     * @param rows their numbers in A times the sign of D, read when they are first wanted
     */
    private record Summary(double t, double squares, int[] worst, double[][] rows) {}

    private State(MinMaxProblem problem, int mostWorst, int[] codes, double[] d, @Nullable Summary summary) {
        this.problem = problem;
        this.mostWorst = mostWorst;
        this.codes = codes;
        this.d = d;
        this.summary = summary;
    }

    /** @param worst k_e: how many of the worst rows the filters look at */
    static State of(MinMaxProblem problem, int[] codes, int worst) {
        return new State(problem, worst, codes.clone(), problem.residual(codes), null);
    }

    State copy() {
        State copy = new State(problem, mostWorst, codes.clone(), d.clone(), summary);
        double[] known = slopes;
        copy.slopes = known == null ? null : known.clone();
        return copy;
    }

    MinMaxProblem problem() {
        return problem;
    }

    int[] codes() {
        return codes;
    }

    /** D, not a copy. */
    double[] d() {
        return d;
    }

    double t() {
        return summary().t();
    }

    double squares() {
        return summary().squares();
    }

    /** L. */
    int[] worst() {
        return summary().worst();
    }

    /** Row worst()[r] of A times the sign of D there, so that what it adds to |D| is positive. */
    double[] worstRow(int r) {
        Summary known = summary();
        double[][] rows = known.rows();
        double[] row = rows[r];
        if (row == null) {
            int k = known.worst()[r];
            row = new double[codes.length];
            problem.a().row(k, row);
            if (d[k] < 0) {
                for (int j = 0; j < row.length; j++) {
                    row[j] = -row[j];
                }
            }
            rows[r] = row;
        }
        return row;
    }

    /** |D| of row worst()[r]. */
    double magnitude(int r) {
        return Math.abs(d[summary().worst()[r]]);
    }

    private Summary summary() {
        Summary known = summary;
        if (known == null) {
            known = summarize();
            summary = known;
        }
        return known;
    }

    private Summary summarize() {
        double squares = 0;
        double[] magnitudes = new double[d.length];
        for (int k = 0; k < d.length; k++) {
            squares += d[k] * d[k];
            magnitudes[k] = Math.abs(d[k]);
        }
        int count = Math.min(mostWorst, d.length);
        double[] sorted = magnitudes.clone();
        Arrays.sort(sorted);
        double least = sorted[d.length - count];
        long above = count
                - Arrays.stream(sorted, d.length - count, d.length)
                        .filter(m -> m == least)
                        .count();
        // Rows as large as the smallest of the worst: the first ones, as many as there is room for.
        int room = Math.toIntExact(count - above);
        Integer[] worst = new Integer[count];
        int found = 0;
        for (int k = 0; k < d.length; k++) {
            if (magnitudes[k] > least || (magnitudes[k] == least && room-- > 0)) {
                worst[found++] = k;
            }
        }
        Arrays.sort(worst, (p, q) -> Double.compare(magnitudes[q], magnitudes[p]));
        return new Summary(
                sorted[d.length - 1],
                squares,
                Arrays.stream(worst).mapToInt(Integer::intValue).toArray(),
                new double[count][]);
    }

    boolean movable(int j) {
        return !problem.fixed()[j];
    }

    /** True if variable j can take a code {@code by} further. */
    boolean inRange(int j, int by) {
        int code = codes[j] + by;
        return code >= 0 && code < problem.levels().get(j).size();
    }

    /** By how much x_j changes when its code does. */
    double step(int j, int by) {
        LevelSet levels = problem.levels().get(j);
        return levels.value(codes[j] + by) - levels.value(codes[j]);
    }

    /** Changes a code. */
    void move(int j, int by) {
        double step = step(j, by);
        problem.a().add(d, j, step);
        double[] p = slopes;
        if (p != null && problem.a() instanceof DenseMatrix a) {
            a.addProducts(p, j, step);
        }
        codes[j] += by;
        summary = null;
    }

    /**
     * t after x_i moves by f and x_j by g, exact, or some value above {@code limit}.
     */
    double after(int i, double f, int j, double g, double limit) {
        return switch (problem.a()) {
            case DenseMatrix a -> a.largest(d, i, f, j, g, limit);
            case SparseMatrix a -> a.largest(d, worst(), i, f, j, g, limit);
        };
    }

    /** t after a code changes, exact, or some value above {@code limit}. */
    double after(int j, int by, double limit) {
        return after(j, step(j, by), j, 0, limit);
    }

    /** By how much the sum of D^2 grows. */
    double squaresGrowth(int i, double f, int j, double g) {
        if (problem.a() instanceof DenseMatrix a) {
            double[] products = a.products();
            if (products != null) {
                return growth(products, slopes(a), i, f, j, g);
            }
        }
        return problem.a().squaresGrowth(d, i, f, j, g);
    }

    private static double growth(double[] products, double[] p, int i, double f, int j, double g) {
        int n = p.length;
        double own = f * f * products[i * n + i] + g * g * products[j * n + j];
        return 2 * (f * p[i] + g * p[j] + f * g * products[i * n + j]) + own;
    }

    private double[] slopes(DenseMatrix a) {
        double[] known = slopes;
        if (known == null) {
            known = a.slopes(d);
            slopes = known;
        }
        return known;
    }
}
