package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.IntGroup;
import dev.halftone.tensor.Workers;
import org.junit.jupiter.api.Test;

/**
 * Seconds of the solvers on a layer of 2048 x 2048 with groups of 128, one thread, the best of five. Not part of the build: run
 * it with {@code -Dtest=SolverTiming}.
 */
class SolverTiming {
    private static final int SIZE = 2048;
    private static final int ROUNDS = 5;
    private static final IntGroup FORMAT = new IntGroup(4, 128, false);

    @Test
    void secondsOfTheSolvers() {
        WeightProblem problem = Layers.problem(1, SIZE, Layers.expected(2, SIZE));
        try (Workers workers = new Workers(1)) {
            time("rtn minmax", new Rtn(ClipSearch.MIN_MAX), problem, workers);
            time("rtn mse", new Rtn(ClipSearch.MSE), problem, workers);
            time("rtn weighted", new Rtn(ClipSearch.WEIGHTED), problem, workers);
            time(
                    "gptq act-order static",
                    new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01)),
                    problem,
                    workers);
            time(
                    "gptq dynamic groups",
                    new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, false, false, 0.01)),
                    problem,
                    workers);
            time("gptq weighted", new Gptq(new Gptq.Options(ClipSearch.WEIGHTED, true, true, 0.01)), problem, workers);
        }
    }

    /** The solver keeps the factor of H from its first round on, so that the rounds measure the loop over columns. */
    private static void time(String name, WeightSolver solver, WeightProblem problem, Workers workers) {
        double best = Double.POSITIVE_INFINITY;
        for (int round = 0; round <= ROUNDS; round++) {
            long start = System.nanoTime();
            SolvedWeight solved = solver.solve(problem, FORMAT, workers);
            double seconds = (System.nanoTime() - start) / 1e9;
            assertThat(solved.proxyLoss()).isPositive();
            best = round == 0 ? best : Math.min(best, seconds);
        }
        System.out.printf("TIMING %s: %.3f s%n", name, best);
    }
}
