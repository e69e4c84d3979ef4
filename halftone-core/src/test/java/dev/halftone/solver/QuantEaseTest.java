package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.IntGroup;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.OutlierWeight;
import dev.halftone.format.Outliers.Placement;
import dev.halftone.solver.QuantEase.Options;
import dev.halftone.solver.QuantEase.Sparse;
import dev.halftone.solver.QuantEase.Start;
import dev.halftone.tensor.Workers;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantEaseTest {
    private static final int OUT = 70;
    private static final int IN = 160;
    private static final Workers WORKERS = new Workers(2);
    private static final IntGroup INT3 = new IntGroup(3, 32, false);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    private static WeightProblem problem(long seed) {
        return Layers.problem(seed, OUT, Layers.correlated(seed + 100, IN));
    }

    private static Options options(Start start, int sweeps, boolean relax) {
        return new Options(ClipSearch.MIN_MAX, start, sweeps, relax, 0.01);
    }

    private static float[] solve(WeightProblem problem, Options options) {
        return new QuantEase(options).solve(problem, INT3, WORKERS).packed().decode();
    }

    private static Gram gram(WeightProblem problem) {
        return Objects.requireNonNull(problem.gram());
    }

    @Test
    void sweepsThatRoundNeverRaiseTheLoss() {
        WeightProblem problem = problem(1);
        GridRounding grid = GridRounding.fixed(problem, INT3, ClipSearch.MIN_MAX, WORKERS);
        float[] start = grid.nearest(problem.weight(), WORKERS);
        try (CoordinateDescent descent =
                new CoordinateDescent(problem.weight(), start, true, gram(problem), grid, null, WORKERS)) {
            double before = descent.loss();
            assertThat(before).isCloseTo(Layers.trace(problem, start, 0), within(1e-5 * before));
            for (int sweep = 0; sweep < 12; sweep++) {
                descent.sweep(true);
                double loss = descent.loss();
                assertThat(loss).isLessThanOrEqualTo(before * (1 + 1e-6));
                assertThat(loss).isCloseTo(Layers.trace(problem, descent.values(), 0), within(1e-4 * loss));
                before = loss;
            }
        }
    }

    @Test
    void aRelaxedSweepGoesBelowTheGridAndTheNextOneBackOntoIt() {
        WeightProblem problem = problem(2);
        GridRounding grid = GridRounding.fixed(problem, INT3, ClipSearch.MIN_MAX, WORKERS);
        float[] start = grid.nearest(problem.weight(), WORKERS);
        try (CoordinateDescent descent =
                new CoordinateDescent(problem.weight(), start, true, gram(problem), grid, null, WORKERS)) {
            descent.sweep(true);
            double rounded = descent.loss();
            descent.sweep(false);
            double relaxed = descent.loss();
            descent.sweep(true);
            assertThat(relaxed).isLessThan(0.5 * rounded);
            assertThat(descent.loss()).isGreaterThan(relaxed);
        }
    }

    /** No code that is one higher or one lower would be better, to the precision of float32 products. */
    @Test
    void theEndIsStationary() {
        WeightProblem problem = problem(3);
        GridRounding grid = GridRounding.fixed(problem, INT3, ClipSearch.MIN_MAX, WORKERS);
        float[] start = grid.nearest(problem.weight(), WORKERS);
        float[] v;
        try (CoordinateDescent descent =
                new CoordinateDescent(problem.weight(), start, true, gram(problem), grid, null, WORKERS)) {
            descent.run(CoordinateDescent.schedule(60, false));
            v = descent.best();
        }
        double[] h = gram(problem).h();
        double loss = Layers.trace(problem, v, 0) / OUT;
        for (int row = 0; row < OUT; row++) {
            for (int j = 0; j < IN; j++) {
                double g = 0;
                for (int k = 0; k < IN; k++) {
                    g += ((double) v[row * IN + k] - problem.weight()[row * IN + k]) * h[k * IN + j];
                }
                float better = grid.round(row, j, (float) (v[row * IN + j] - g / h[j * IN + j]));
                double change = (double) better - v[row * IN + j];
                assertThat(change * (2 * g + change * h[j * IN + j])).isGreaterThan(-1e-4 * loss);
            }
        }
    }

    /** 2.1 of the paper, a column at a time in float64. */
    private static float[] plain(WeightProblem problem, boolean[] schedule) {
        double[] h = gram(problem).h();
        GridRounding grid = GridRounding.fixed(problem, INT3, ClipSearch.MIN_MAX, WORKERS);
        float[] start = grid.nearest(problem.weight(), WORKERS);
        float[] best = start.clone();
        for (int row = 0; row < OUT; row++) {
            double[] v = new double[IN];
            for (int j = 0; j < IN; j++) {
                v[j] = start[row * IN + j];
            }
            double least = loss(problem, v, row);
            for (boolean rounding : schedule) {
                for (int j = 0; j < IN; j++) {
                    double g = 0;
                    for (int k = 0; k < IN; k++) {
                        g += (v[k] - problem.weight()[row * IN + k]) * h[k * IN + j];
                    }
                    double u = v[j] - g / h[j * IN + j];
                    v[j] = rounding ? grid.round(row, j, (float) u) : u;
                }
                double loss = loss(problem, v, row);
                if (rounding && loss < least) {
                    least = loss;
                    for (int j = 0; j < IN; j++) {
                        best[row * IN + j] = (float) v[j];
                    }
                }
            }
        }
        return best;
    }

    private static double loss(WeightProblem problem, double[] v, int row) {
        double[] h = gram(problem).h();
        double sum = 0;
        for (int i = 0; i < IN; i++) {
            for (int j = 0; j < IN; j++) {
                sum += (v[i] - problem.weight()[row * IN + i])
                        * h[i * IN + j]
                        * (v[j] - problem.weight()[row * IN + j]);
            }
        }
        return sum;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theBlockedSweepsAreThoseOfTheFormula(boolean relax) {
        WeightProblem problem = problem(4);
        float[] fast = solve(problem, options(Start.RTN, 4, relax));
        float[] plain = plain(problem, CoordinateDescent.schedule(4, relax));
        // In float32 a value half way between two codes may go the other way, and with it the rest of its row.
        assertThat(Layers.rowsThatDiffer(fast, plain, IN)).isLessThanOrEqualTo(OUT / 10);
        assertThat(Layers.loss(problem, fast))
                .isCloseTo(Layers.loss(problem, plain), within(0.01 * Layers.loss(problem, plain)));
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13})
    void fromGptqItIsNeverWorseAndAlwaysBetterThanRoundingToNearest(long seed) {
        WeightProblem problem = problem(seed);
        double gptq = new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01))
                .solve(problem, INT3, WORKERS)
                .proxyLoss();
        for (Start start : Start.values()) {
            SolvedWeight solved = new QuantEase(options(start, QuantEase.SWEEPS, true)).solve(problem, INT3, WORKERS);
            assertThat(solved.proxyLoss()).as(start.title()).isLessThan(0.7 * solved.rtnLoss());
            if (start == Start.GPTQ) {
                assertThat(solved.proxyLoss()).isLessThan(gptq);
            }
        }
    }

    /** Directions whose strength falls as 1 / i, with which the spec's figures were measured. */
    private static Gram powerLaw(long seed) {
        double[] h = new double[IN * IN];
        RandomGenerator random = Layers.random(seed);
        for (int d = 1; d <= IN; d++) {
            double[] a = random.doubles(IN, -1, 1).toArray();
            for (int at = 0; at < h.length; at++) {
                h[at] += a[at / IN] * a[at % IN] / d;
            }
        }
        return new Gram(IN, 10_000, h);
    }

    @Test
    void relaxedSweepsHelpFromTheWeightItself() {
        double with = 0;
        double without = 0;
        for (long seed = 20; seed < 24; seed++) {
            WeightProblem problem = Layers.problem(seed, OUT, powerLaw(seed));
            with += Layers.loss(problem, solve(problem, options(Start.WEIGHT, QuantEase.SWEEPS, true)));
            without += Layers.loss(problem, solve(problem, options(Start.WEIGHT, QuantEase.SWEEPS, false)));
        }
        assertThat(with).isLessThan(without);
    }

    @ParameterizedTest
    @EnumSource(Start.class)
    void aMultipleOfTheIdentityGivesRoundToNearest(Start start) {
        double[] h = new double[IN * IN];
        for (int j = 0; j < IN; j++) {
            h[j * IN + j] = 0.7;
        }
        WeightProblem problem = Layers.problem(30, OUT, new Gram(IN, 10_000, h));
        SolvedWeight solved = new QuantEase(options(start, 5, true)).solve(problem, INT3, WORKERS);
        assertThat(solved.packed().decode())
                .isEqualTo(new Rtn(ClipSearch.MIN_MAX)
                        .solve(problem, INT3, WORKERS)
                        .packed()
                        .decode());
        assertThat(solved.codesChanged()).isZero();
    }

    @Test
    void inputsThatAreAlwaysZeroDoNoHarm() {
        WeightProblem problem = problem(31);
        double[] h = gram(problem).h();
        for (int j = 0; j < IN; j++) {
            h[5 * IN + j] = 0;
            h[j * IN + 5] = 0;
        }
        for (Start start : Start.values()) {
            SolvedWeight solved = new QuantEase(options(start, 5, true)).solve(problem, INT3, WORKERS);
            assertThat(solved.events()).contains(new Event.DeadColumns(1));
            float[] q = solved.packed().decode();
            for (int row = 0; row < OUT; row++) {
                assertThat(q[row * IN + 5]).isZero();
            }
        }
        double[] none = new double[IN * IN];
        SolvedWeight unseen = new QuantEase(options(Start.GPTQ, 5, true))
                .solve(Layers.problem(32, OUT, new Gram(IN, 100, none)), INT3, WORKERS);
        assertThat(unseen.events()).hasAtLeastOneElementOfType(Event.FellBackToRtn.class);
    }

    private static SolvedWeight sparse(WeightProblem problem, Placement placement, double share) {
        Options options = new Options(ClipSearch.MIN_MAX, Start.GPTQ, 16, true, 0.01, new Sparse(placement, share));
        return new QuantEase(options).solve(problem, INT3, WORKERS);
    }

    @Test
    void outliersThatAreChosenOnTheWayHelpMostWhereTheyMayBeAnywhere() {
        WeightProblem problem = problem(40);
        for (int i = 0; i < OUT * IN; i += 61) {
            problem.weight()[i] *= 6;
        }
        double none = new QuantEase(options(Start.GPTQ, 16, true))
                .solve(problem, INT3, WORKERS)
                .proxyLoss();
        SolvedWeight columns = sparse(problem, Placement.COLUMNS, 0.02);
        SolvedWeight anywhere = sparse(problem, Placement.WEIGHTS, 0.02);
        assertThat(columns.proxyLoss()).isLessThan(0.95 * none);
        assertThat(anywhere.proxyLoss()).isLessThan(0.8 * none).isLessThan(columns.proxyLoss());
        OutlierWeight packed = (OutlierWeight) anywhere.packed();
        assertThat(packed.outliers().count()).isEqualTo(OutlierMask.count(0.02, OUT * IN));
        assertThat(((OutlierWeight) columns.packed()).outliers().count()).isEqualTo(3 * OUT);
        assertThat(Layers.loss(problem, packed.decode()))
                .isCloseTo(anywhere.proxyLoss(), within(1e-3 * anywhere.proxyLoss()));
    }

    @Test
    void theLargestEigenvalueIsFound() {
        double[] h = new double[16];
        h[0] = 3;
        h[5] = 1;
        h[10] = 7;
        h[15] = 2;
        h[2] = 1;
        h[8] = 1;
        double expected = 5 + Math.sqrt(5);
        assertThat(IterativeThreshold.largestEigenvalue(new Gram(4, 10, h), WORKERS))
                .isCloseTo(expected, within(0.01 * expected));
    }

    /** Behind another method, on integer grids, small floats and grids in the order of the columns. */
    @Test
    void polishLowersTheLossOfWhatItIsGivenOnTheSameGrids() {
        WeightProblem problem = problem(50);
        NumberFormat nf4 = LevelGroup.named("nf4").orElseThrow().withGroup(32);
        for (NumberFormat format : new NumberFormat[] {INT3, nf4}) {
            for (WeightSolver base : new WeightSolver[] {
                new Rtn(ClipSearch.MSE),
                new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, false, 0.01)),
                new OutlierSplit(
                        new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01)),
                        new OutlierChoice(new MagnitudeChooser(), 0.01))
            }) {
                SolvedWeight before = base.solve(problem, format, WORKERS);
                SolvedWeight after = new Polish(base, 10).solve(problem, format, WORKERS);
                assertThat(after.proxyLoss()).as(base.name()).isLessThan(before.proxyLoss());
                assertThat(after.packed().format()).isEqualTo(before.packed().format());
                assertThat(after.packed().byteSize()).isEqualTo(before.packed().byteSize());
            }
        }
    }

    @Test
    void theNumberOfThreadsDoesNotMatter() {
        WeightProblem problem = Layers.problem(60, 200, Layers.correlated(61, IN));
        try (Workers one = new Workers(1)) {
            assertThat(new QuantEase(options(Start.GPTQ, 8, true))
                            .solve(problem, INT3, one)
                            .packed()
                            .decode())
                    .isEqualTo(solve(problem, options(Start.GPTQ, 8, true)));
        }
    }
}
