package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.CodebookWeight;
import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.OutlierWeight;
import dev.halftone.format.ScaleType;
import dev.halftone.format.StoredWeight;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class GoboTest {
    private static final int OUT = 64;
    private static final int IN = 256;
    private static final Workers WORKERS = new Workers(2);
    private static final IntGroup INT3 = new IntGroup(3, IntGroup.ROW, false);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    private static WeightProblem normal(long seed, double sigma) {
        RandomGenerator random = Layers.random(seed);
        float[] w = new float[OUT * IN];
        for (int i = 0; i < w.length; i++) {
            w[i] = (float) (sigma * random.nextGaussian());
        }
        return new WeightProblem("w", w, OUT, IN, null);
    }

    private static StoredWeight solve(WeightProblem problem, Gobo.Options options) {
        return new Gobo(options).solve(problem, INT3, WORKERS).packed();
    }

    private static double squares(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
        }
        return sum;
    }

    @Test
    void outliersAreWhatTheNormalDistributionHardlyHas() {
        int before = 0;
        for (double threshold : new double[] {-1e9, -6, -4, -2}) {
            StoredWeight packed = solve(normal(1, 0.03), new Gobo.Options(threshold, 0));
            int count = packed instanceof OutlierWeight w ? w.outliers().count() : 0;
            assertThat(count).isGreaterThanOrEqualTo(before);
            before = count;
        }
        assertThat(before).isPositive();
        WeightProblem problem = normal(2, 0.03);
        problem.weight()[99] = 0.4f;
        OutlierWeight packed = (OutlierWeight) solve(problem, Gobo.Options.PAPER);
        // |z| above 3.6 at sigma 0.03: a few in ten thousand.
        assertThat(packed.outliers().count()).isBetween(1, 30);
        assertThat(packed.decode()[99]).isCloseTo(0.4f, within(0.4f / 2048));
    }

    @Test
    void theSumOfDistancesIsBelowThatOfEqualPartsAndLessThanThatOfMinMaxGrids() {
        for (long seed = 3; seed < 7; seed++) {
            WeightProblem problem = normal(seed, 0.03);
            float[] sorted = problem.weight().clone();
            Arrays.sort(sorted);
            double[] sums = new double[sorted.length + 1];
            double[] equal = new double[8];
            for (int i = 0; i < sorted.length; i++) {
                sums[i + 1] = sums[i] + sorted[i];
                equal[i * 8 / sorted.length] += sorted[i] * 8.0 / sorted.length;
            }
            double[] c = Gobo.centroids(sorted, 8);
            assertThat(Gobo.distance(sorted, sums, c)).isLessThan(Gobo.distance(sorted, sums, equal));
            double plain = 0;
            for (float w : sorted) {
                double least = Double.POSITIVE_INFINITY;
                for (double level : c) {
                    least = Math.min(least, Math.abs(w - level));
                }
                plain += least;
            }
            assertThat(Gobo.distance(sorted, sums, c)).isCloseTo(plain, within(1e-9 * plain));
            IntGroup perTensor = new IntGroup(3, -1, GridMode.ASYM, ScaleType.F16, -1, false);
            float[] rtn = new Rtn(ClipSearch.MIN_MAX)
                    .solve(problem, perTensor, WORKERS)
                    .packed()
                    .decode();
            float[] gobo = solve(problem, new Gobo.Options(-1e9, 0)).decode();
            assertThat(squares(gobo, problem.weight())).isLessThan(squares(rtn, problem.weight()));
        }
    }

    @Test
    void fewValuesHaveNoError() {
        float[] values = {-3, -1, 0.5f, 0.75f, 2, 9};
        float[] w = new float[OUT * IN];
        for (int i = 0; i < w.length; i++) {
            w[i] = values[i * 7 % 6];
        }
        WeightProblem problem = new WeightProblem("w", w, OUT, IN, null);
        assertThat(solve(problem, new Gobo.Options(-1e9, 0)).decode()).isEqualTo(w);
    }

    @Test
    void theOrderOfTheWeightsDoesNotMatterAndAnAffineMapGoesThrough() {
        WeightProblem problem = normal(8, 0.03);
        float[] reversed = new float[OUT * IN];
        float[] mapped = new float[OUT * IN];
        for (int i = 0; i < reversed.length; i++) {
            reversed[i] = problem.weight()[reversed.length - 1 - i];
            mapped[i] = 4 * problem.weight()[i] + 8;
        }
        Gobo.Options share = new Gobo.Options(null, 0.001);
        float[] q = solve(problem, share).decode();
        float[] other =
                solve(new WeightProblem("w", reversed, OUT, IN, null), share).decode();
        float[] third =
                solve(new WeightProblem("w", mapped, OUT, IN, null), share).decode();
        for (int i = 0; i < q.length; i++) {
            assertThat(other[q.length - 1 - i]).isCloseTo(q[i], within(1e-6f));
        }
        assertThat(squares(third, mapped) / 16)
                .isCloseTo(squares(q, problem.weight()), within(0.02 * squares(q, problem.weight())));
    }

    @Test
    void bytesAreThoseOfTheFormula() {
        OutlierWeight packed = (OutlierWeight) solve(normal(9, 0.03), new Gobo.Options(null, 0.001));
        int outliers = OutlierMask.count(0.001, OUT * IN);
        assertThat(packed.dense()).isInstanceOf(CodebookWeight.class);
        assertThat(packed.byteSize()).isEqualTo(OUT * IN * 3 / 8 + 8 * 4 + outliers * 4L + 2 * OUT);
    }
}
