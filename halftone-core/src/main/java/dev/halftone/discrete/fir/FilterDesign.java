package dev.halftone.discrete.fir;

import dev.halftone.discrete.Amvm;
import dev.halftone.discrete.MinMaxProblem;
import dev.halftone.discrete.milp.IntegerProgram;
import dev.halftone.discrete.milp.IntegerProgram.Outcome;
import dev.halftone.discrete.milp.IntegerProgram.Relaxed;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A filter designed in several ways: without levels, rounded, by AMVM from what was rounded, and by an exact solver.
 *
 * @param bound no taps have less ripple: that of the best taps without levels, or what the exact solver has proven
 */
public record FilterDesign(FilterSpec spec, List<Taps> designs, double bound) {
    /** Points at which the ripple of |H| is counted besides the grid's. */
    static final int DENSE = 16384;

    /**
     * What one way gave.
     *
     * @param method "continuous", "rounded", "amvm", "milp"
     * @param x taps 0 .. M
     * @param integers k, if they are on levels
     * @param ripple largest |A(w) - target| on the grid
     * @param denseRipple largest ||H(w)| - target| at 16384 points of the bands
     * @param proven true if no taps on levels have less ripple on the grid
     */
    public record Taps(
            String method,
            double[] x,
            int @Nullable [] integers,
            double ripple,
            double denseRipple,
            boolean proven,
            double seconds) {}

    /**
     * Designs a filter.
     *
     * @param options of AMVM
     * @param starts seeds, from that of the options on, of which the best is taken
     * @param milpSeconds for the exact solver; 0: without
     */
    public static FilterDesign of(FilterSpec spec, Amvm.Options options, int starts, double milpSeconds) {
        MinMaxProblem problem = spec.problem();
        List<Taps> designs = new ArrayList<>();
        long begin = System.nanoTime();
        Relaxed relaxed = IntegerProgram.relax(problem);
        designs.add(new Taps(
                "continuous",
                relaxed.x(),
                null,
                relaxed.violation(),
                spec.ripple(relaxed.x(), DENSE),
                false,
                since(begin)));
        int[] rounded = problem.nearest(relaxed.x());
        designs.add(taps(spec, problem, "rounded", rounded, false, since(begin)));
        begin = System.nanoTime();
        int[] best = rounded;
        for (int s = 0; s < starts; s++) {
            int[] codes = new Amvm(options.withSeed(options.seed() + s))
                    .solve(problem, rounded)
                    .codes();
            best = problem.violation(codes) < problem.violation(best) ? codes : best;
        }
        designs.add(taps(spec, problem, "amvm", best, false, since(begin)));
        double bound = relaxed.violation();
        if (milpSeconds > 0) {
            Outcome outcome = IntegerProgram.solve(problem, milpSeconds);
            bound = Math.max(bound, outcome.bound());
            int[] codes = outcome.codes();
            if (codes != null) {
                designs.add(taps(spec, problem, "milp", codes, outcome.optimal(), outcome.seconds()));
            }
        }
        return new FilterDesign(spec, List.copyOf(designs), bound);
    }

    private static Taps taps(
            FilterSpec spec, MinMaxProblem problem, String method, int[] codes, boolean proven, double seconds) {
        double[] x = problem.values(codes);
        return new Taps(
                method, x, spec.integers(codes), problem.violation(codes), spec.ripple(x, DENSE), proven, seconds);
    }

    private static double since(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }

    /** What one of the ways gave; null if it gave nothing. */
    public @Nullable Taps design(String method) {
        return designs.stream()
                .filter(taps -> taps.method().equals(method))
                .findFirst()
                .orElse(null);
    }
}
