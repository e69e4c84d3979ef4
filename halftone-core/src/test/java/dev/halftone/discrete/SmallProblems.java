package dev.halftone.discrete;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Problems that can be solved by trying everything. */
final class SmallProblems {
    private SmallProblems() {}

    static RandomGenerator random(long seed) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }

    /** Gaussian A and b, evenly spaced levels. */
    static MinMaxProblem even(RandomGenerator random, int n, int q, int rows) {
        return new MinMaxProblem(dense(random, rows, n), gaussian(random, rows), LevelSet.even(-1, 0.7, q));
    }

    /** Gaussian A and b, every variable with levels of its own. */
    static MinMaxProblem uneven(RandomGenerator random, int n, int q, int rows) {
        List<LevelSet> levels = new ArrayList<>();
        for (int j = 0; j < n; j++) {
            levels.add(new LevelSet(random.doubles(q, -2, 2).sorted().toArray()));
        }
        return new MinMaxProblem(dense(random, rows, n), gaussian(random, rows), levels, new boolean[n]);
    }

    /** A in which two numbers of three are 0. */
    static MinMaxProblem sparse(RandomGenerator random, int n, int q, int rows) {
        SparseMatrix.Builder a = new SparseMatrix.Builder(n);
        for (int k = 0; k < rows; k++) {
            a.row();
            for (int j = 0; j < n; j++) {
                if (random.nextInt(3) == 0) {
                    a.add(j, random.nextGaussian());
                }
            }
        }
        return new MinMaxProblem(a.build(), gaussian(random, rows), LevelSet.even(-1, 0.7, q));
    }

    static int[] start(RandomGenerator random, MinMaxProblem problem) {
        return problem.levels().stream()
                .mapToInt(levels -> random.nextInt(levels.size()))
                .toArray();
    }

    private static DenseMatrix dense(RandomGenerator random, int rows, int n) {
        return new DenseMatrix(rows, n, gaussian(random, rows * n));
    }

    private static double[] gaussian(RandomGenerator random, int count) {
        return random.doubles(count).map(_ -> random.nextGaussian()).toArray();
    }

    /** The smallest violation of all assignments. */
    static double optimum(MinMaxProblem problem) {
        return optimum(problem, new int[problem.variables()], 0);
    }

    private static double optimum(MinMaxProblem problem, int[] codes, int from) {
        if (from == codes.length) {
            return problem.violation(codes);
        }
        double best = Double.POSITIVE_INFINITY;
        for (int c = 0; c < problem.levels().get(from).size(); c++) {
            codes[from] = c;
            best = Math.min(best, optimum(problem, codes, from + 1));
        }
        return best;
    }
}
