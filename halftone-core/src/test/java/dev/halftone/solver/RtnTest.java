package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.ClipSearch.Bounds;
import dev.halftone.format.ClipSearch.Measure;
import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.ScaleType;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class RtnTest {
    private static final Workers WORKERS = new Workers(2);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    private static int[] bits(GridMode mode) {
        return switch (mode) {
            case BINARY -> new int[] {1};
            case TERNARY -> new int[] {2};
            default -> new int[] {2, 3, 4, 5, 6, 7, 8};
        };
    }

    @ParameterizedTest
    @EnumSource(GridMode.class)
    void everyModeEqualsItsFormulaOnEveryKindOfGroup(GridMode mode) {
        int in = 32;
        for (int bits : bits(mode)) {
            for (int group : new int[] {1, 8, 16, IntGroup.ROW}) {
                IntGroup format = new IntGroup(bits, group, mode, ScaleType.F16, 1, false);
                float[] w = groups(in);
                float[] actual = solve(w, in, format, ClipSearch.MIN_MAX).decode();
                int length = format.groupIn(in);
                for (int at = 0; at < w.length; at += length) {
                    float[] values = Arrays.copyOfRange(w, at, at + length);
                    assertThat(Arrays.copyOfRange(actual, at, at + length))
                            .as("%s of %s", format.label(), Arrays.toString(values))
                            .isEqualTo(PlainGrids.rounded(values, mode, bits, Bounds.RANGE, 1, 0));
                }
            }
        }
    }

    /** A row of each kind: drawn, zeros, one value, huge ranges, one sign, ties, values at the ends of FP16. */
    private static float[] groups(int in) {
        RandomGenerator random = Layers.random(5);
        List<float[]> rows = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            rows.add(row(in, _ -> (float) random.nextGaussian()));
        }
        rows.add(new float[in]);
        for (float value : new float[] {0.3f, -0.3f, 1e-12f, 3e6f, -3e38f, Float.MIN_VALUE}) {
            rows.add(row(in, _ -> value));
            rows.add(row(in, j -> j == in - 1 ? value : 0));
        }
        rows.add(row(in, j -> (float) Math.pow(10, j % 12 - 6) * (j % 3 == 0 ? -1 : 1)));
        rows.add(row(in, _ -> 1 + random.nextFloat()));
        rows.add(row(in, _ -> -1 - random.nextFloat()));
        rows.add(row(in, j -> (j - 16) / 2f));
        rows.add(row(in, j -> j == 0 ? 7 : (j % 15 - 7) / 2f));
        float[] w = new float[rows.size() * in];
        for (int r = 0; r < rows.size(); r++) {
            System.arraycopy(rows.get(r), 0, w, r * in, in);
        }
        return w;
    }

    private interface Value {
        float at(int j);
    }

    private static float[] row(int in, Value value) {
        float[] row = new float[in];
        for (int j = 0; j < in; j++) {
            row[j] = value.at(j);
        }
        return row;
    }

    @ParameterizedTest
    @EnumSource(GridMode.class)
    void tilesOfSeveralRowsHaveTheGridOfAllTheirValues(GridMode mode) {
        int out = 11;
        int in = 24;
        float[] w = gaussian(7, out * in);
        int bits = bits(mode)[0];
        for (int[] tile :
                new int[][] {{4, 8}, {11, 24}, {IntGroup.ALL_ROWS, IntGroup.ROW}, {1, 8}, {2, IntGroup.ROW}}) {
            IntGroup format = new IntGroup(bits, tile[1], mode, ScaleType.F16, tile[0], false);
            PackedWeight packed = solve(w, in, format, ClipSearch.MIN_MAX);
            float[] actual = packed.decode();
            int rows = format.rowsIn(out);
            int columns = format.groupIn(in);
            for (int top = 0; top < out; top += rows) {
                for (int left = 0; left < in; left += columns) {
                    int height = Math.min(rows, out - top);
                    float[] values = tile(w, in, top, left, height, columns);
                    assertThat(tile(actual, in, top, left, height, columns))
                            .as(format.label())
                            .isEqualTo(PlainGrids.rounded(values, mode, bits, Bounds.RANGE, 1, 0));
                }
            }
            assertThat(format.bitsPerWeight(out, in)).isEqualTo(8.0 * packed.byteSize() / (out * in));
        }
    }

    private static float[] tile(float[] w, int in, int top, int left, int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int r = 0; r < rows; r++) {
            System.arraycopy(w, (top + r) * in + left, values, r * columns, columns);
        }
        return values;
    }

    @ParameterizedTest
    @EnumSource(GridMode.class)
    void aGroupAsLongAsTheRowIsTheRowAndATileOfOneRowTheGroup(GridMode mode) {
        int bits = bits(mode)[0];
        float[] w = gaussian(8, 7 * 32);
        float[] row = solve(w, 32, new IntGroup(bits, IntGroup.ROW, mode, ScaleType.F16, 1, false), ClipSearch.MSE)
                .decode();
        assertThat(solve(w, 32, new IntGroup(bits, 32, mode, ScaleType.F16, 1, false), ClipSearch.MSE)
                        .decode())
                .isEqualTo(row);
    }

    @ParameterizedTest
    @EnumSource(GridMode.class)
    void scalingByPowersOfTwoScalesTheResultAndSymmetricGridsAreOdd(GridMode mode) {
        int bits = bits(mode)[0];
        IntGroup format = new IntGroup(bits, 16, mode, ScaleType.F16, 1, false);
        float[] w = gaussian(9, 9 * 32);
        for (ClipSearch search :
                List.of(ClipSearch.MIN_MAX, ClipSearch.MSE, ClipSearch.NORM, ClipSearch.LEAST_SQUARES)) {
            float[] once = solve(w, 32, format, search).decode();
            float[] eight = solve(times(w, 8), 32, format, search).decode();
            assertThat(eight).isEqualTo(times(once, 8));
            if (mode == GridMode.SYM || mode == GridMode.TERNARY || mode == GridMode.SIGNED_MAX) {
                assertThat(solve(times(w, -1), 32, format, search).decode()).isEqualTo(times(once, -1));
            }
        }
    }

    private static float[] times(float[] w, float factor) {
        float[] result = new float[w.length];
        for (int i = 0; i < w.length; i++) {
            result[i] = w[i] * factor + 0f;
        }
        return result;
    }

    @ParameterizedTest
    @EnumSource(ScaleType.class)
    void codesAreNearestForTheScaleAsItIsStored(ScaleType type) {
        float[] w = times(gaussian(10, 6 * 64), 0.02f);
        for (GridMode mode : List.of(GridMode.SYM, GridMode.SYM_WIDE, GridMode.ASYM)) {
            IntGroup format = new IntGroup(4, 16, mode, type, 1, false);
            PackedWeight packed = solve(w, 64, format, ClipSearch.MIN_MAX);
            float[] decoded = packed.decode();
            for (int at = 0; at < w.length; at += 16) {
                float step = smallestStep(decoded, at, 16);
                for (int i = at; i < at + 16; i++) {
                    double error = Math.abs((double) w[i] - decoded[i]);
                    // What is not clipped lies within half a step; a rounded scale can clip by its own rounding error.
                    float least = least(decoded, at, 16);
                    float most = most(decoded, at, 16);
                    if (w[i] > least && w[i] < most) {
                        assertThat(error).as("%s %s", type, mode).isLessThanOrEqualTo(0.5001 * step);
                    }
                }
            }
            double bits = 4 + (bits(type) + (mode == GridMode.ASYM ? 4 : 0)) / 16.0;
            double unit = type == ScaleType.E4M3 ? 32.0 / w.length : 0;
            assertThat(8.0 * packed.byteSize() / w.length).isEqualTo(bits + unit);
        }
    }

    private static int bits(ScaleType type) {
        return switch (type) {
            case F32 -> 32;
            case F16, BF16 -> 16;
            case E4M3, E8M0 -> 8;
        };
    }

    private static float smallestStep(float[] values, int at, int length) {
        float[] sorted = Arrays.copyOfRange(values, at, at + length);
        Arrays.sort(sorted);
        float step = Float.POSITIVE_INFINITY;
        for (int i = 1; i < length; i++) {
            step = sorted[i] > sorted[i - 1] ? Math.min(step, sorted[i] - sorted[i - 1]) : step;
        }
        return step;
    }

    private static float least(float[] values, int at, int length) {
        float least = values[at];
        for (int i = at; i < at + length; i++) {
            least = Math.min(least, values[i]);
        }
        return least;
    }

    private static float most(float[] values, int at, int length) {
        float most = values[at];
        for (int i = at; i < at + length; i++) {
            most = Math.max(most, values[i]);
        }
        return most;
    }

    static List<Arguments> searches() {
        List<Arguments> all = new ArrayList<>();
        for (GridMode mode : GridMode.values()) {
            for (ClipSearch search : List.of(
                    ClipSearch.MSE,
                    ClipSearch.NORM,
                    ClipSearch.WEIGHTED,
                    ClipSearch.OUTPUT,
                    ClipSearch.NORM.withMeasure(Measure.WEIGHTED).withNorm(1),
                    ClipSearch.MIN_MAX.withBounds(Bounds.RANGE, 0.9),
                    ClipSearch.PERCENTILE.withBounds(Bounds.QUANTILE, 0.9))) {
                all.add(Arguments.of(mode, search));
            }
        }
        return all;
    }

    /** The best of all candidates by a plain double calculation is what the search finds, up to the float sums it compares. */
    @ParameterizedTest
    @MethodSource("searches")
    void aSearchFindsTheBestOfItsCandidates(GridMode mode, ClipSearch search) {
        int bits = mode == GridMode.BINARY ? 1 : mode == GridMode.TERNARY ? 2 : 3;
        Gram gram = Layers.correlated(11, 40);
        WeightProblem problem = new WeightProblem("w", gaussian(12, 6 * 40), 6, 40, gram);
        for (int group : new int[] {20, IntGroup.ROW}) {
            IntGroup format = new IntGroup(bits, group, mode, ScaleType.F16, 1, false);
            float[] found =
                    new Rtn(search).solve(problem, format, WORKERS).packed().decode();
            for (int at = 0; at < found.length; at += format.groupIn(40)) {
                float[] v = Arrays.copyOfRange(problem.weight(), at, at + format.groupIn(40));
                double best = Double.POSITIVE_INFINITY;
                for (int i = 0; i < search.candidates(); i++) {
                    for (int shift : search.zeros() && mode == GridMode.ASYM ? new int[] {-1, 0, 1} : new int[] {0}) {
                        double p = search.first() - i * search.step();
                        float[] values = PlainGrids.rounded(v, mode, bits, search.bounds(), p, shift);
                        best = Math.min(best, error(values, v, at % 40, gram, search));
                    }
                }
                double actual = error(Arrays.copyOfRange(found, at, at + format.groupIn(40)), v, at % 40, gram, search);
                assertThat(actual).as("%s %s", mode, search).isCloseTo(best, within(1e-4 * best));
                if (search.candidates() > 1) {
                    float[] plain = PlainGrids.rounded(v, mode, bits, Bounds.RANGE, 1, 0);
                    assertThat(actual).isLessThanOrEqualTo(error(plain, v, at % 40, gram, search) * (1 + 1e-5));
                }
            }
        }
    }

    private static double error(float[] q, float[] w, int column, Gram gram, ClipSearch search) {
        double sum = 0;
        for (int i = 0; i < q.length; i++) {
            double d = (double) q[i] - w[i];
            switch (search.measure()) {
                case PLAIN -> sum += Math.pow(Math.abs(d), search.norm());
                case WEIGHTED -> sum += gram.diagonal()[column + i] * Math.pow(Math.abs(d), search.norm());
                case OUTPUT -> {
                    for (int j = 0; j < q.length; j++) {
                        sum += d * gram.h()[(column + i) * gram.size() + column + j] * ((double) q[j] - w[j]);
                    }
                }
            }
        }
        return sum;
    }

    @ParameterizedTest
    @EnumSource(Measure.class)
    void leastSquaresScalesLowerTheErrorInEveryMeasure(Measure measure) {
        Gram gram = Layers.correlated(13, 40);
        WeightProblem problem = new WeightProblem("w", gaussian(14, 8 * 40), 8, 40, gram);
        ClipSearch search = ClipSearch.LEAST_SQUARES.withMeasure(measure);
        int lower = 0;
        for (GridMode mode : GridMode.values()) {
            int bits = mode == GridMode.BINARY ? 1 : mode == GridMode.TERNARY ? 2 : 3;
            IntGroup format = new IntGroup(bits, 20, mode, ScaleType.F16, 1, false);
            float[] fitted =
                    new Rtn(search).solve(problem, format, WORKERS).packed().decode();
            float[] plain = new Rtn(ClipSearch.MIN_MAX)
                    .solve(problem, format, WORKERS)
                    .packed()
                    .decode();
            for (int at = 0; at < fitted.length; at += 20) {
                float[] v = Arrays.copyOfRange(problem.weight(), at, at + 20);
                double before = error(Arrays.copyOfRange(plain, at, at + 20), v, at % 40, gram, search);
                double after = error(Arrays.copyOfRange(fitted, at, at + 20), v, at % 40, gram, search);
                assertThat(after).as("%s %s", mode, measure).isLessThanOrEqualTo(before * (1 + 1e-5));
                lower += after < 0.999 * before ? 1 : 0;
            }
        }
        assertThat(lower).isGreaterThan(60);
    }

    /** Expected figures: an independent calculation on 2^20 samples, FP16 scales; searches on sym-full codes. */
    @ParameterizedTest
    @CsvSource({
        "normal, 32, 2, 3.64, 8.82, 8.65, 8.59", "normal, 32, 3, 12.90, 15.17, 14.97, 14.93",
        "normal, 32, 4, 20.25, 21.31, 21.29, 21.28", "normal, 128, 2, 2.31, 7.45, 8.35, 8.30",
        "normal, 128, 4, 18.60, 19.71, 19.92, 19.86", "laplace, 32, 4, 18.32, 19.42, 19.25, 19.24",
        "laplace, 128, 3, 8.94, 11.17, 11.89, 11.75", "laplace, 128, 8, 40.96, 41.02, 41.06, "
    })
    void signalToNoiseIsTheKnownOne(
            String data, int group, int bits, double sym, double signedMax, double mse, @Nullable Double norm) {
        float[] w = data.equals("normal") ? gaussian(1, 1 << 20) : laplace(1, 1 << 20);
        assertThat(ratio(w, group, bits, GridMode.SYM, ClipSearch.MIN_MAX)).isCloseTo(sym, within(0.05));
        assertThat(ratio(w, group, bits, GridMode.SIGNED_MAX, ClipSearch.MIN_MAX))
                .isCloseTo(signedMax, within(0.05));
        assertThat(ratio(w, group, bits, GridMode.SYM_FULL, ClipSearch.MSE)).isCloseTo(mse, within(0.05));
        if (norm != null) {
            assertThat(ratio(w, group, bits, GridMode.SYM_FULL, ClipSearch.NORM))
                    .isCloseTo(norm, within(0.05));
        }
    }

    @Test
    void smallerGroupsAndMoreBitsNeverLowerTheSignalToNoise() {
        float[] w = gaussian(2, 1 << 17);
        for (GridMode mode : List.of(GridMode.SYM, GridMode.SYM_WIDE, GridMode.ASYM, GridMode.AFFINE)) {
            double before = 0;
            for (int group : new int[] {128, 64, 32}) {
                double now = ratio(w, group, 4, mode, ClipSearch.MIN_MAX);
                assertThat(now).isGreaterThan(before - 0.05);
                before = now;
            }
        }
        double perBit = (ratio(w, 128, 8, GridMode.SYM, ClipSearch.MIN_MAX)
                        - ratio(w, 128, 4, GridMode.SYM, ClipSearch.MIN_MAX))
                / 4;
        assertThat(perBit).isCloseTo(6.3, within(0.1));
    }

    @Test
    void valuesBeyondTheRangeOfTheScalesAreAnEvent() {
        float[] w = gaussian(3, 2 * 32);
        w[40] = 3e38f;
        SolvedWeight solved = new Rtn(ClipSearch.MIN_MAX)
                .solve(new WeightProblem("w", w, 2, 32, null), new IntGroup(4, 16, true), WORKERS);
        assertThat(solved.events()).containsExactly(new Event.ScalesSaturated(1, "fp16"));
        assertThat(solved.packed().decode()).doesNotContain(Float.NaN, Float.POSITIVE_INFINITY);
    }

    @ParameterizedTest
    @EnumSource(
            value = Measure.class,
            names = {"WEIGHTED", "OUTPUT"})
    void aWeightedSearchWithoutAnyInputSaysSoAndCountsAsWeaker(Measure measure) {
        Gram none = new Gram(32, 0, new double[32 * 32]);
        SolvedWeight solved = new Rtn(ClipSearch.MSE.withMeasure(measure))
                .solve(Layers.problem(4, 3, none), new IntGroup(3, 16, false), WORKERS);
        assertThat(solved.events()).hasSize(1).allMatch(Event::weaker);
        SolvedWeight plain =
                new Rtn(ClipSearch.MSE).solve(Layers.problem(4, 3, none), new IntGroup(3, 16, false), WORKERS);
        assertThat(solved.packed().decode()).isEqualTo(plain.packed().decode());
        assertThat(plain.events()).isEmpty();
    }

    @Test
    void theNumberOfThreadsDoesNotMatter() {
        float[] w = gaussian(15, 37 * 64);
        for (int[] tile : new int[][] {{1, 16}, {8, 32}, {IntGroup.ALL_ROWS, IntGroup.ROW}}) {
            IntGroup format = new IntGroup(3, tile[1], GridMode.ASYM, ScaleType.E4M3, tile[0], false);
            try (Workers one = new Workers(1)) {
                WeightProblem problem = new WeightProblem("w", w, 37, 64, null);
                assertThat(new Rtn(ClipSearch.NORM)
                                .solve(problem, format, one)
                                .packed()
                                .decode())
                        .isEqualTo(solve(w, 64, format, ClipSearch.NORM).decode());
            }
        }
    }

    private static double ratio(float[] w, int group, int bits, GridMode mode, ClipSearch search) {
        IntGroup format = new IntGroup(bits, group, mode, ScaleType.F16, 1, false);
        float[] q = solve(w, 1024, format, search).decode();
        double signal = 0;
        double noise = 0;
        for (int i = 0; i < w.length; i++) {
            signal += (double) w[i] * w[i];
            noise += ((double) w[i] - q[i]) * ((double) w[i] - q[i]);
        }
        return 10 * Math.log10(signal / noise);
    }

    private static PackedWeight solve(float[] w, int in, IntGroup format, ClipSearch search) {
        return Layers.packed(
                new Rtn(search).solve(new WeightProblem("w", w, w.length / in, in, null), format, WORKERS));
    }

    private static float[] gaussian(long seed, int count) {
        RandomGenerator random = Layers.random(seed);
        float[] w = new float[count];
        for (int i = 0; i < count; i++) {
            w[i] = (float) random.nextGaussian();
        }
        return w;
    }

    private static float[] laplace(long seed, int count) {
        RandomGenerator random = Layers.random(seed);
        float[] w = new float[count];
        for (int i = 0; i < count; i++) {
            w[i] = (float) (random.nextExponential() * (random.nextBoolean() ? 1 : -1));
        }
        return w;
    }
}
