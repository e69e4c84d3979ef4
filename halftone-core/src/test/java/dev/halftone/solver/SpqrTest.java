package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.calibration.Gram;
import dev.halftone.format.BilevelWeight;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.OutlierWeight;
import dev.halftone.format.ScaleType;
import dev.halftone.format.StoredWeight;
import dev.halftone.solver.Spqr.Options;
import dev.halftone.tensor.Workers;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class SpqrTest {
    private static final int OUT = 72;
    private static final int IN = 160;
    private static final Workers WORKERS = new Workers(2);
    private static final IntGroup INT3 = new IntGroup(3, 16, false);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    private static WeightProblem problem(long seed) {
        WeightProblem problem = Layers.problem(seed, OUT, Layers.correlated(seed + 1, IN));
        RandomGenerator random = Layers.random(seed + 2);
        for (int i = 0; i + 80 < OUT * IN; i += 80) {
            problem.weight()[i + random.nextInt(80)] *= 5;
        }
        return problem;
    }

    private static Options options(double threshold) {
        return new Options(threshold, 0.01, 3, 16, ColumnOrder.ACT, true);
    }

    private static SolvedWeight solve(WeightProblem problem, Options options) {
        return new Spqr(options).solve(problem, INT3, WORKERS);
    }

    private static double share(SolvedWeight solved) {
        return solved.packed() instanceof OutlierWeight w ? w.outliers().count() / (double) (OUT * IN) : 0;
    }

    /** Without outliers and with one row to a tile the scales are exact, and the loop is GPTQ's on grids that need not hold a zero. */
    @Test
    void withoutOutliersAndSecondLevelItIsGptqOnItsGrids() {
        WeightProblem problem = problem(1);
        Options alone = new Options(Double.POSITIVE_INFINITY, 0.01, 8, 1, ColumnOrder.ACT, true);
        SolvedWeight solved = solve(problem, alone);
        assertThat(solved.packed()).isInstanceOf(BilevelWeight.class);
        Gptq.Options gptq = new Gptq.Options(ClipSearch.MIN_MAX, true, false, 0.01);
        double other = new Gptq(gptq)
                .solve(problem, new IntGroup(3, 16, GridMode.AFFINE, ScaleType.F16, 1, false), WORKERS)
                .proxyLoss();
        // The grids differ by the rounding of FP16 minima.
        assertThat(solved.proxyLoss()).isCloseTo(other, within(0.1 * other));
    }

    @Test
    void fewerWeightsAreOutliersAndTheLossIsLargerTheHigherTheThreshold() {
        WeightProblem problem = problem(3);
        double share = 1;
        double loss = 0;
        for (double threshold : new double[] {0.05, 0.2, 1, Double.POSITIVE_INFINITY}) {
            SolvedWeight solved = solve(problem, options(threshold));
            assertThat(share(solved)).isLessThanOrEqualTo(share);
            assertThat(solved.proxyLoss()).isGreaterThan(loss);
            assertThat(Layers.loss(problem, solved.packed().decode()))
                    .isCloseTo(solved.proxyLoss(), within(1e-3 * solved.proxyLoss()));
            share = share(solved);
            loss = solved.proxyLoss();
        }
        assertThat(share).isZero();
    }

    @Test
    void atNoThresholdEveryWeightComesBack() {
        WeightProblem problem = problem(5);
        SolvedWeight solved = solve(problem, options(0));
        assertThat(share(solved)).isGreaterThan(0.99);
        assertThat(solved.events()).hasAtLeastOneElementOfType(Event.ManyOutliers.class);
        float[] q = solved.packed().decode();
        for (int i = 0; i < q.length; i++) {
            // FP16 differences from dense values of a coarse grid.
            assertThat(q[i]).isCloseTo(problem.weight()[i], within(2e-4f));
        }
    }

    @Test
    void leavingOneOutIsWhatTwoRefitsSayIncludingTies() {
        RandomGenerator random = Layers.random(7);
        for (int round = 0; round < 200; round++) {
            float[] v = new float[16];
            double[] pivots = new double[16];
            for (int i = 0; i < 16; i++) {
                v[i] = round % 3 == 0 ? random.nextInt(-3, 4) : (float) random.nextGaussian();
                pivots[i] = 0.1 + random.nextDouble();
            }
            double[] fast = SpqrGrid.gains(v, 0, pivots, 7);
            double base = errors(v, -1, pivots);
            for (int i = 0; i < 16; i++) {
                assertThat(fast[i]).isCloseTo(base - errors(v, i, pivots), within(1e-5 * (1 + base)));
            }
        }
    }

    /** Squared errors of a group without one of its values, on the min-max grid of the others. */
    private static double errors(float[] v, int without, double[] pivots) {
        float low = Float.POSITIVE_INFINITY;
        float high = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < v.length; i++) {
            low = i == without ? low : Math.min(low, v[i]);
            high = i == without ? high : Math.max(high, v[i]);
        }
        if (low == high) {
            low = -1;
            high = 1;
        }
        float s = (high - low) / 7;
        float z = -low / s;
        double sum = 0;
        for (int i = 0; i < v.length; i++) {
            double code = Math.max(0, Math.min(7, Math.rint(v[i] / s + z)));
            double error = (v[i] - s * (code - z)) * pivots[i];
            sum += i == without ? 0 : error * error;
        }
        return sum;
    }

    @Test
    void atLikeBitsItBeatsGptqInGroupsAndThatBeatsRows() {
        WeightProblem problem = problem(9);
        double spqr = solve(problem, options(0.2)).proxyLoss();
        double bits = solve(problem, options(0.2)).packed().bitsPerWeight();
        Gptq gptq = new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01));
        SolvedWeight grouped = gptq.solve(problem, new IntGroup(4, 80, false), WORKERS);
        double rows = gptq.solve(problem, new IntGroup(4, IntGroup.ROW, false), WORKERS)
                .proxyLoss();
        assertThat(bits).isLessThan(grouped.packed().bitsPerWeight() + 0.8);
        assertThat(grouped.proxyLoss()).isLessThan(rows);
        assertThat(spqr).isLessThan(rows);
    }

    /** The nominal figure, 32 bits for each outlier, 16 for each row and each input. */
    @Test
    void bytesAreTheNominalOnesAndTheOverheads() {
        SolvedWeight solved = solve(problem(11), options(0.2));
        StoredWeight dense = ((OutlierWeight) solved.packed()).dense();
        int groups = IN / 16;
        int tiles = Math.ceilDiv(OUT, 16);
        long statistics = 2L * OUT * Math.ceilDiv(3 * groups, 8);
        assertThat(dense.byteSize()).isEqualTo(OUT * IN * 3 / 8 + statistics + 8L * tiles * groups + 2 * IN);
        long outliers = Math.round(share(solved) * OUT * IN);
        assertThat(solved.packed().byteSize()).isEqualTo(dense.byteSize() + 4 * outliers + 2 * OUT);
    }

    @Test
    void scalesOfTheSecondLevelStayNearThoseOfTheirTile() {
        WeightProblem problem = Layers.problem(13, OUT, Layers.correlated(14, IN));
        double one = solve(problem, new Options(Double.POSITIVE_INFINITY, 0.01, 8, 1, ColumnOrder.ACT, true))
                .proxyLoss();
        double tiles = solve(problem, options(Double.POSITIVE_INFINITY)).proxyLoss();
        assertThat(tiles).isLessThan(1.5 * one);
    }

    @Test
    void inputsThatAreAlwaysZeroAndASingleRowDoNoHarm() {
        WeightProblem problem = problem(15);
        double[] h = Objects.requireNonNull(problem.gram()).h();
        for (int j = 0; j < IN; j++) {
            h[5 * IN + j] = 0;
            h[j * IN + 5] = 0;
        }
        assertThat(solve(problem, options(0.2)).events()).contains(new Event.UnseenColumns(1));
        Gram gram = Layers.correlated(16, IN);
        SolvedWeight row = solve(Layers.problem(17, 1, gram), options(0.2));
        assertThat(row.packed().decode()).doesNotContain(Float.NaN, Float.POSITIVE_INFINITY);
    }

    @Test
    void theNumberOfThreadsDoesNotMatter() {
        WeightProblem problem = problem(18);
        try (Workers one = new Workers(1)) {
            float[] q =
                    new Spqr(options(0.2)).solve(problem, INT3, one).packed().decode();
            assertThat(solve(problem, options(0.2)).packed().decode()).isEqualTo(q);
        }
    }
}
