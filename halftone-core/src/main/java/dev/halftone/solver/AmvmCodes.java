package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.calibration.TokenSample;
import dev.halftone.discrete.Amvm;
import dev.halftone.discrete.DenseMatrix;
import dev.halftone.discrete.LevelSet;
import dev.halftone.discrete.MinMaxProblem;
import dev.halftone.error.InputException;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.List;

/**
 * AMVM on the codes of a weight: another method's grids stay, its codes change so that the worst output error of each row falls, the
 * largest |x (q - w)| over tokens x.
 *
 * <p>Source: arXiv:2508.13437, the PTQ use. Deviations: a row counts its tokens among {@link Options#tokens} random ones and the {@link
 * Options#worst} on which the start errs most, chosen once more half way, instead of among all; a row keeps its start where the worst
 * error over the whole sample has not fallen; iterations end the search and not seconds.
 *
 * <p>W (out, in); X (tokens, in) of {@link TokenSample}. Rows are independent, in parallel, and each has a seed of its own. Cost O(swaps *
 * in^2 / levels) a row for the filter, O(tokens) for each pair that passes it, O(in) for each that is taken; O(tokens * in + in^2) memory.
 */
public final class AmvmCodes implements WeightSolver {
    private static final int ROUNDS = 2;

    private final WeightSolver start;
    private final Options options;

    /**
     * What a recipe can set.
     *
     * @param tokens random ones of the sample
     * @param worst others, on which the start errs most
     * @param iterations of the large neighbourhood search for each row, half of them in each of two rounds
     * @param guard swaps must not raise a row's sum of squared errors
     */
    public record Options(int tokens, int worst, int iterations, boolean guard, long seed) {
        public Options {
            if (tokens < 1 || worst < 0 || iterations < 0) {
                throw new InputException(
                        "HT-765",
                        "amvm",
                        "tokens %d, worst_tokens %d, iterations %d".formatted(tokens, worst, iterations),
                        "tokens is at least 1, the others are at least 0");
            }
        }
    }

    /** @param start gives grids and the first codes */
    public AmvmCodes(WeightSolver start, Options options) {
        this.start = start;
        this.options = options;
    }

    @Override
    public String name() {
        return "amvm from " + start.name();
    }

    @Override
    public boolean needsGram() {
        return true;
    }

    @Override
    public boolean needsTokens() {
        return true;
    }

    @Override
    public Solution find(WeightProblem problem, NumberFormat format, Workers workers) {
        Gram gram = problem.gram();
        TokenSample sample = gram == null ? null : gram.sample();
        if (sample == null) {
            throw new IllegalArgumentException("amvm needs a sample of tokens");
        }
        Solution found = start.find(problem, format, workers);
        if (!(found.packed() instanceof PackedWeight packed)) {
            throw new IllegalArgumentException(
                    "amvm changes plain codes, not " + found.packed().format().label());
        }
        OutputErrors errors = new OutputErrors(problem, sample, workers);
        RowLevels[] levels = new RowLevels[problem.out()];
        int[][] codes = new int[problem.out()][];
        workers.forEach(codes.length, row -> {
            levels[row] = RowLevels.of(packed, row);
            codes[row] = levels[row].codes(packed, row);
        });
        float[] q = packed.decode();
        float[] largest = errors.largest(q);
        for (int round = 0; round < ROUNDS; round++) {
            int[] tokens = errors.chosen(q, options.tokens(), options.worst());
            DenseMatrix a = errors.matrix(tokens);
            int current = round;
            int[][] tried = new int[codes.length][];
            float[] changed = q.clone();
            workers.forEach(codes.length, row -> {
                tried[row] = search(problem, a, levels[row], codes[row], row, current);
                levels[row].values(tried[row], changed, row * problem.in());
            });
            float[] after = errors.largest(changed);
            for (int row = 0; row < codes.length; row++) {
                if (after[row] < largest[row]) {
                    codes[row] = tried[row];
                    largest[row] = after[row];
                    System.arraycopy(changed, row * problem.in(), q, row * problem.in(), problem.in());
                }
            }
        }
        return Solution.stored(
                problem,
                packed(packed, levels, codes),
                packed.format(),
                changed(problem, levels, codes),
                found.events());
    }

    private int[] search(WeightProblem problem, DenseMatrix a, RowLevels levels, int[] codes, int row, int round) {
        double[] w = new double[problem.in()];
        for (int j = 0; j < w.length; j++) {
            w[j] = problem.weight()[row * problem.in() + j];
        }
        double[] b = a.residual(w, new double[a.rows()]);
        List<LevelSet> sets = new ArrayList<>();
        for (int j = 0; j < w.length; j++) {
            sets.add(levels.set(j));
        }
        MinMaxProblem rounding = new MinMaxProblem(a, b, sets, new boolean[w.length]);
        // Half of the iterations in each round, the odd one in the first.
        int iterations = (options.iterations() + (round == 0 ? 1 : 0)) / ROUNDS;
        long seed = options.seed() + 31L * problem.name().hashCode() + 1_000_003L * (ROUNDS * row + round);
        return new Amvm(Amvm.Options.of(Amvm.Mode.SWAPS, iterations, options.guard(), seed))
                .solve(rounding, codes)
                .codes();
    }

    private static PackedWeight packed(PackedWeight start, RowLevels[] levels, int[][] codes) {
        byte[] stored = new byte[Math.multiplyExact(start.out(), start.in())];
        for (int row = 0; row < codes.length; row++) {
            for (int j = 0; j < start.in(); j++) {
                stored[row * start.in() + j] = (byte) levels[row].stored(j, codes[row][j]);
            }
        }
        return start.withCodes(stored);
    }

    /** Share of codes that are not those of the nearest level. */
    private static double changed(WeightProblem problem, RowLevels[] levels, int[][] codes) {
        long changed = 0;
        for (int row = 0; row < codes.length; row++) {
            for (int j = 0; j < problem.in(); j++) {
                int nearest = levels[row].set(j).nearest(problem.weight()[row * problem.in() + j]);
                changed += codes[row][j] == nearest ? 0 : 1;
            }
        }
        return changed / ((double) problem.out() * problem.in());
    }
}
