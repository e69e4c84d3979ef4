package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.ScaleType;
import dev.halftone.format.TwoGridWeight;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AdpQTest {
    private static final int OUT = 128;
    private static final int IN = 512;
    private static final Workers WORKERS = new Workers(2);
    private static final IntGroup INT4 = format(GridMode.AFFINE);

    private static IntGroup format(GridMode mode) {
        return new IntGroup(4, 128, mode, ScaleType.F16, 1, false);
    }

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    private static WeightProblem drawn(String kind, long seed) {
        RandomGenerator random = Layers.random(seed);
        float[] w = new float[OUT * IN];
        for (int i = 0; i < w.length; i++) {
            double x = random.nextGaussian();
            if (kind.equals("t4")) {
                double squares = 0;
                for (int k = 0; k < 4; k++) {
                    double g = random.nextGaussian();
                    squares += g * g;
                }
                x /= Math.sqrt(squares / 4);
            } else if (kind.equals("outliers") && random.nextInt(500) == 0) {
                x *= 6;
            }
            w[i] = (float) (0.02 * x);
        }
        return new WeightProblem("w", w, OUT, IN, null);
    }

    private static float[] solve(WeightProblem problem, IntGroup format, double share) {
        return new AdpQ(share).solve(problem, format, WORKERS).packed().decode();
    }

    private static float[] rtn(WeightProblem problem, IntGroup format) {
        return new Rtn(ClipSearch.MIN_MAX)
                .solve(problem, format, WORKERS)
                .packed()
                .decode();
    }

    private static double squares(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
        }
        return sum;
    }

    /** The spec's table, measured on other draws: 4 bits, groups of 128, error over that of rounding to nearest. */
    @ParameterizedTest
    @CsvSource({
        "normal, 0.01, 0.76", "normal, 0.05, 0.51", "normal, 0.08, 0.44",
        "t4, 0.01, 0.45", "t4, 0.05, 0.24", "t4, 0.08, 0.21",
        "outliers, 0.01, 0.55", "outliers, 0.05, 0.38", "outliers, 0.08, 0.34"
    })
    void theErrorIsTheKnownShareOfRoundingToNearest(String kind, double share, double expected) {
        WeightProblem problem = drawn(kind, 11);
        double ratio =
                squares(solve(problem, INT4, share), problem.weight()) / squares(rtn(problem, INT4), problem.weight());
        assertThat(ratio).isCloseTo(expected, within(0.05));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1})
    void nothingOrEverythingSalientIsRoundingToNearest(double share) {
        WeightProblem problem = drawn("t4", 12);
        for (GridMode mode : new GridMode[] {GridMode.AFFINE, GridMode.SYM}) {
            assertThat(solve(problem, format(mode), share)).isEqualTo(rtn(problem, format(mode)));
        }
    }

    @Test
    void moreSalientWeightsMeanLessErrorUpToAPoint() {
        WeightProblem problem = drawn("normal", 13);
        double before = Double.POSITIVE_INFINITY;
        for (double share : new double[] {0, 0.01, 0.02, 0.05, 0.08}) {
            double error = squares(solve(problem, INT4, share), problem.weight());
            assertThat(error).isLessThan(before);
            before = error;
        }
    }

    @Test
    void everyWeightLiesWithinHalfAStepOfItsOwnGrid() {
        WeightProblem problem = drawn("t4", 14);
        float[] q = solve(problem, INT4, 0.05);
        float[] magnitudes = new float[q.length];
        for (int i = 0; i < q.length; i++) {
            magnitudes[i] = Math.abs(problem.weight()[i]);
        }
        float[] sorted = magnitudes.clone();
        Arrays.sort(sorted);
        float threshold = sorted[sorted.length - OutlierMask.count(0.05, sorted.length)];
        for (int first = 0; first < q.length; first += 128) {
            for (boolean salient : new boolean[] {false, true}) {
                float low = Float.POSITIVE_INFINITY;
                float high = Float.NEGATIVE_INFINITY;
                for (int i = first; i < first + 128; i++) {
                    if (magnitudes[i] >= threshold == salient) {
                        low = Math.min(low, problem.weight()[i]);
                        high = Math.max(high, problem.weight()[i]);
                    }
                }
                float most = (high - low) / 15 * 0.51f + Math.max(Math.abs(low), Math.abs(high)) / 1024;
                for (int i = first; i < first + 128; i++) {
                    if (magnitudes[i] >= threshold == salient) {
                        assertThat(Math.abs(problem.weight()[i] - q[i])).isLessThanOrEqualTo(most);
                    }
                }
            }
        }
    }

    @Test
    void bytesAreThoseOfTheFormula() {
        WeightProblem problem = drawn("normal", 15);
        TwoGridWeight packed =
                (TwoGridWeight) new AdpQ(0.08).solve(problem, INT4, WORKERS).packed();
        long outliers = OutlierMask.count(0.08, OUT * IN);
        long groups = OUT * IN / 128;
        assertThat(packed.byteSize()).isEqualTo(OUT * IN / 2 + groups * 9 + Math.ceilDiv(7 * outliers, 8L));
        assertThat(packed.bitsPerWeight()).isCloseTo(4 + 0.5 + 0.56 + 0.0625, within(1e-3));
    }

    @Test
    void groupsWithOneSalientWeightOrEqualOnesAreExact() {
        float[] w = new float[OUT * IN];
        Arrays.fill(w, 0.5f);
        w[3] = 4;
        w[200] = -2;
        WeightProblem problem = new WeightProblem("w", w, OUT, IN, null);
        assertThat(solve(problem, INT4, 2.0 / w.length)).isEqualTo(w);
    }
}
