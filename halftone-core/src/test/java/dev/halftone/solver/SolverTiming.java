package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.ScaleType;
import dev.halftone.solver.ColumnLoop.Walk;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.Objects;
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

    /** One run on the same layers, two threads: {@code -Dtest=SolverTiming}. The factor of H is part of a first round, which is not kept. */
    @Test
    void secondsOfTheWeightSolvers() {
        for (int size : new int[] {SIZE, 2 * SIZE}) {
            WeightProblem problem = Layers.problem(1, size, Layers.expected(2, size));
            IntGroup small = new IntGroup(3, 16, false);
            IntGroup affine = new IntGroup(3, 128, GridMode.AFFINE, ScaleType.F16, 1, false);
            IntGroup int3 = new IntGroup(3, 128, false);
            try (Workers workers = new Workers(2)) {
                once(size, "adpq", new AdpQ(0.08), problem, affine, workers);
                once(size, "rtn", new Rtn(ClipSearch.MIN_MAX), problem, int3, workers);
                once(
                        size,
                        "gptq",
                        new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01)),
                        problem,
                        int3,
                        workers);
                Spqr.Options spqr = new Spqr.Options(0.2, 1, 3, 16, ColumnOrder.ACT, true);
                once(size, "spqr", new Spqr(spqr), problem, small, workers);
                for (QuantEase.Start start : new QuantEase.Start[] {QuantEase.Start.WEIGHT, QuantEase.Start.GPTQ}) {
                    QuantEase.Options options =
                            new QuantEase.Options(ClipSearch.MIN_MAX, start, QuantEase.SWEEPS, true, 0.01);
                    once(size, "quantease from " + start.title(), new QuantEase(options), problem, int3, workers);
                }
            }
        }
    }

    /** A solver's first solution of a layer, evidence not counted; the second of two, so that the code is compiled. */
    private static void once(
            int size, String name, WeightSolver solver, WeightProblem problem, IntGroup format, Workers workers) {
        WeightProblem warm = Layers.problem(1, 256, Layers.expected(2, 256));
        solver.find(warm, format, workers);
        long start = System.nanoTime();
        Solution solution = solver.find(problem, format, workers);
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(
                "TIMING %d %s: %.3f s, loss %.5f%n",
                size, name, seconds, solution.withEvidence(workers).proxyLoss());
    }

    /** What GPTQ with groups fitted on the way spends on a layer of 4096 x 4096, two threads: the solution, and the evidence. */
    @Test
    void secondsOfThePartsOfGptq() {
        int size = 2 * SIZE;
        Gram gram = Layers.expected(2, size);
        WeightProblem problem = Layers.problem(1, size, gram);
        int[] order = ColumnOrder.NATURAL.of(gram.diagonal(), FORMAT.group());
        int[] groupOf = Arrays.stream(order).map(j -> j / FORMAT.group()).toArray();
        try (Workers workers = new Workers(2)) {
            for (int round = 0; round <= ROUNDS; round++) {
                long start = System.nanoTime();
                DampedFactor factor = DampedFactor.of(gram, order, new DampedFactor.Damping(0.01, 0, false), workers);
                double[] r = Objects.requireNonNull(factor.r());
                long factored = System.nanoTime();
                SearchWeights none = SearchWeights.of(problem, ClipSearch.MIN_MAX, order, FORMAT.group());
                GridRounding grid = new GridRounding(problem, FORMAT, none, groupOf);
                Walk walk = new Walk(order, r, FORMAT.group(), false, ColumnLoop.BLOCK);
                new ColumnLoop(problem.weight(), size, walk, grid, null).run(workers);
                long rounded = System.nanoTime();
                grid.pack();
                long packed = System.nanoTime();
                try (LayerLoss loss = new LayerLoss(problem, gram, workers)) {
                    GridRounding plain = GridRounding.fixed(problem, FORMAT, ClipSearch.MIN_MAX, workers);
                    assertThat(loss.absolute(plain::nearest)).isPositive();
                    assertThat(grid.changed(problem.weight(), workers)).isPositive();
                }
                System.out.printf(
                        "TIMING factor %.3f, columns %.3f, pack %.3f, evidence %.3f s%n",
                        (factored - start) / 1e9,
                        (rounded - factored) / 1e9,
                        (packed - rounded) / 1e9,
                        (System.nanoTime() - packed) / 1e9);
            }
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
