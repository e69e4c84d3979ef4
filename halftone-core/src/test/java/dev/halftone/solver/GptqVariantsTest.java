package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.GridMode;
import dev.halftone.format.GroupGrid;
import dev.halftone.format.IntGroup;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.ScaleType;
import dev.halftone.solver.DampedFactor.Damping;
import dev.halftone.tensor.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GptqVariantsTest {
    private static final int OUT = 37;
    private static final int IN = 160;
    private static final Workers WORKERS = new Workers(2);

    /** Rows where float32 may round another way than float64: a value half way between two codes, a scale between two numbers. */
    private static final int NEAR_TIES = 2;

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    private static Gptq.Options options(ColumnOrder order, boolean staticGroups, boolean stale) {
        return new Gptq.Options(ClipSearch.MIN_MAX, order, staticGroups, stale, 0.01, 0.01, false);
    }

    private static IntGroup format(GridMode mode, int bits, int group) {
        return new IntGroup(bits, group, mode, ScaleType.F16, 1, false);
    }

    private static int bits(GridMode mode) {
        return mode == GridMode.BINARY ? 1 : mode == GridMode.TERNARY ? 2 : 3;
    }

    @ParameterizedTest
    @CsvSource({
        "ACT, false, false",
        "GAR, true, false",
        "GAR, false, false",
        "NATURAL, false, false",
        "NATURAL, false, true",
        "ACT, false, true",
        "ACT, true, false"
    })
    void everyOrderEqualsTheLoopWrittenOutPlainly(ColumnOrder order, boolean staticGroups, boolean stale) {
        WeightProblem problem = Layers.problem(1, OUT, Layers.correlated(2, IN));
        for (GridMode mode : GridMode.values()) {
            IntGroup format = format(mode, bits(mode), 20);
            SolvedWeight solved = new Gptq(options(order, staticGroups, stale)).solve(problem, format, WORKERS);
            float[] plain = plainLoop(problem, format, order, staticGroups, stale);
            assertThat(Layers.rowsThatDiffer(solved.packed().decode(), plain, IN))
                    .as("%s %s", mode, order)
                    .isLessThanOrEqualTo(NEAR_TIES);
            boolean stored = order == ColumnOrder.ACT && !staticGroups;
            PackedWeight packed = Layers.packed(solved);
            assertThat(packed.format()).isEqualTo(format.withReordered(stored));
            assertThat(packed.groupOf().byteSize()).isEqualTo(stored ? 2 * IN : 0);
            assertThat(packed.format().bitsPerWeight(OUT, IN)).isEqualTo(8.0 * packed.byteSize() / (OUT * IN));
        }
    }

    /** Algorithm 1 of the paper, one column at a time, with U from an explicit inverse. */
    private static float[] plainLoop(
            WeightProblem problem, IntGroup format, ColumnOrder columnOrder, boolean staticGroups, boolean stale) {
        Gram gram = gram(problem);
        int group = format.group();
        int[] order = plainOrder(gram.diagonal(), columnOrder, group);
        double[][] u = factor(gram, order);
        float[] result = new float[OUT * IN];
        float[] ones = new float[IN];
        Arrays.fill(ones, 1);
        for (int row = 0; row < OUT; row++) {
            double[] w = new double[IN];
            double[] snapshot = w;
            for (int i = 0; i < IN; i++) {
                w[i] = problem.weight()[row * IN + order[i]];
            }
            GroupGrid grid = new GroupGrid(format, ClipSearch.MIN_MAX);
            for (int i = 0; i < IN; i++) {
                snapshot = i % 128 == 0 ? w.clone() : snapshot;
                if (staticGroups) {
                    grid.fit(problem.weight(), row * IN + order[i] / group * group, ones, 0, group);
                } else if (i % group == 0) {
                    float[] values = new float[group];
                    for (int k = 0; k < group; k++) {
                        values[k] = (float) (stale ? snapshot : w)[i + k];
                    }
                    grid.fit(values, 0, ones, 0, group);
                }
                float q = grid.value(grid.code((float) w[i]));
                result[row * IN + order[i]] = q;
                double error = (w[i] - q) / u[i][i];
                for (int k = i; k < IN; k++) {
                    w[k] -= error * u[i][k];
                }
            }
        }
        return result;
    }

    private static int[] plainOrder(double[] diagonal, ColumnOrder order, int group) {
        Integer[] columns = IntStream.range(0, IN).boxed().toArray(Integer[]::new);
        Comparator<Integer> falling = Comparator.comparingDouble(j -> -diagonal[j]);
        switch (order) {
            case NATURAL -> {}
            case ACT -> Arrays.sort(columns, falling);
            case GAR -> {
                for (int from = 0; from < IN; from += group) {
                    Arrays.sort(columns, from, from + group, falling);
                }
                Integer[] firsts = IntStream.range(0, IN / group).boxed().toArray(Integer[]::new);
                Integer[] inside = columns.clone();
                Arrays.sort(firsts, Comparator.comparingDouble(g -> -diagonal[inside[g * group]]));
                for (int i = 0; i < IN; i++) {
                    columns[i] = inside[firsts[i / group] * group + i % group];
                }
            }
        }
        return Arrays.stream(columns).mapToInt(j -> j).toArray();
    }

    private static double[][] factor(Gram gram, int[] order) {
        double mean = gram.trace() / IN;
        double[][] ordered = new double[IN][IN];
        for (int i = 0; i < IN; i++) {
            for (int j = 0; j < IN; j++) {
                ordered[i][j] = gram.h()[order[i] * IN + order[j]] + (i == j ? 0.01 * mean : 0);
            }
        }
        return GptqTest.upperFactor(GptqTest.inverse(ordered));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 17, 128, IN})
    void theBlockSizeChangesNothingButNearTies(int block) {
        WeightProblem problem = Layers.problem(3, OUT, Layers.correlated(4, IN));
        for (boolean fixed : new boolean[] {false, true}) {
            Gptq.Options options = options(ColumnOrder.GAR, fixed, false);
            float[] blocked = solve(new Gptq(options, block), problem, 3);
            float[] whole = solve(new Gptq(options), problem, 3);
            assertThat(Layers.rowsThatDiffer(blocked, whole, IN)).isLessThanOrEqualTo(NEAR_TIES);
        }
    }

    @ParameterizedTest
    @EnumSource(GridMode.class)
    void everyModeLosesLessThanRoundingToNearest(GridMode mode) {
        WeightProblem problem = Layers.problem(11, OUT, Layers.correlated(12, IN));
        for (int[] tile : new int[][] {{1, 20}, {4, 40}, {IntGroup.ALL_ROWS, IntGroup.ROW}}) {
            IntGroup format = new IntGroup(bits(mode), tile[1], mode, ScaleType.F16, tile[0], false);
            SolvedWeight solved = new Gptq(options(ColumnOrder.ACT, true, false)).solve(problem, format, WORKERS);
            assertThat(solved.proxyLoss()).as(format.label()).isLessThan(0.75 * solved.rtnLoss());
            double traced =
                    Layers.trace(problem, solved.packed().decode(), 0) / Layers.trace(problem, new float[OUT * IN], 0);
            assertThat(solved.proxyLoss()).isCloseTo(traced, within(1e-5 * traced));
        }
    }

    @ParameterizedTest
    @EnumSource(ScaleType.class)
    void scalesOfEveryTypeComeBackAsTheyWereInTheLoop(ScaleType type) {
        WeightProblem problem = Layers.problem(13, OUT, Layers.correlated(14, IN));
        for (boolean fixed : new boolean[] {false, true}) {
            IntGroup format = new IntGroup(4, 20, GridMode.ASYM, type, 1, false);
            SolvedWeight solved = new Gptq(options(ColumnOrder.ACT, fixed, false)).solve(problem, format, WORKERS);
            double traced =
                    Layers.trace(problem, solved.packed().decode(), 0) / Layers.trace(problem, new float[OUT * IN], 0);
            // The loop's own sum knows nothing of packing.
            assertThat(solved.proxyLoss()).isCloseTo(traced, within(1e-5 * traced));
        }
    }

    @Test
    void scalingHBySevenChangesNothingButNearTies() {
        Gram gram = Layers.correlated(16, IN);
        Gram seven = new Gram(
                IN, gram.tokens(), Arrays.stream(gram.h()).map(x -> 7 * x).toArray());
        for (ColumnOrder order : ColumnOrder.values()) {
            Gptq gptq = new Gptq(options(order, false, false));
            float[] scaled = solve(gptq, Layers.problem(15, OUT, seven), 4);
            float[] plain = solve(gptq, Layers.problem(15, OUT, gram), 4);
            assertThat(Layers.rowsThatDiffer(scaled, plain, IN)).isLessThanOrEqualTo(NEAR_TIES);
        }
    }

    private static float[] solve(Gptq gptq, WeightProblem problem, int bits) {
        return gptq.solve(problem, format(GridMode.ASYM, bits, 20), WORKERS)
                .packed()
                .decode();
    }

    @Test
    void aSearchedGridPerRowLowersTheLossAtThreeBits() {
        WeightProblem problem = Layers.problem(19, OUT, Layers.correlated(20, IN));
        for (int i = 0; i < problem.weight().length; i += 487) {
            problem.weight()[i] *= 6;
        }
        IntGroup format = format(GridMode.ASYM, 3, IntGroup.ROW);
        double plain = new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01))
                .solve(problem, format, WORKERS)
                .proxyLoss();
        for (ClipSearch search : new ClipSearch[] {ClipSearch.MSE, ClipSearch.NORM, ClipSearch.WEIGHTED}) {
            assertThat(new Gptq(new Gptq.Options(search, true, true, 0.01))
                            .solve(problem, format, WORKERS)
                            .proxyLoss())
                    .isLessThan(plain);
        }
    }

    /** Groups fitted on the way see their own columns' importance and block of H, whatever the order. */
    @ParameterizedTest
    @EnumSource(ColumnOrder.class)
    void searchesOfDynamicGroupsUseTheColumnsTheyAreOf(ColumnOrder order) {
        double[] h = new double[IN * IN];
        for (int i = 0; i < IN; i++) {
            h[i * IN + i] = 0.1 + i * 7 % 11;
        }
        WeightProblem problem = Layers.problem(21, OUT, new Gram(IN, 10_000, h));
        for (ClipSearch search : new ClipSearch[] {ClipSearch.WEIGHTED, ClipSearch.OUTPUT, ClipSearch.LEAST_SQUARES}) {
            Gptq.Options options = new Gptq.Options(search, order, false, false, 0.01, 0.01, false);
            SolvedWeight dynamic = new Gptq(options).solve(problem, format(GridMode.ASYM, 3, 20), WORKERS);
            if (order == ColumnOrder.ACT) {
                // Other groups than those of rounding to nearest: columns of like importance.
                assertThat(Layers.packed(dynamic).format().reordered()).isTrue();
                continue;
            }
            float[] rtn = new Rtn(search)
                    .solve(problem, format(GridMode.ASYM, 3, 20), WORKERS)
                    .packed()
                    .decode();
            assertThat(differences(dynamic.packed().decode(), rtn)).isLessThan(OUT * IN / 100);
        }
    }

    /** A search adds up errors in the order of the columns: last bits may differ, and with them a few near ties. */
    private static int differences(float[] a, float[] b) {
        int count = 0;
        for (int i = 0; i < a.length; i++) {
            count += a[i] == b[i] ? 0 : 1;
        }
        return count;
    }

    @Test
    void dampingIsRaisedOnlyAsFarAsTheOptionsAllow() {
        double[] h = new double[IN * IN];
        Arrays.fill(h, 1.0);
        Gram singular = new Gram(IN, 10_000, h);
        int[] order = IntStream.range(0, IN).toArray();
        DampedFactor none = DampedFactor.of(singular, order, new Damping(0, 0, false), WORKERS);
        assertThat(none.r()).isNull();
        assertThat(none.events()).containsExactly(new Event.FellBackToRtn("H is not positive definite at any damping"));
        DampedFactor raised = DampedFactor.of(singular, order, new Damping(0, 0.25, false), WORKERS);
        assertThat(raised.added()).isCloseTo(0.25, within(1e-12));
        assertThat(raised.events()).containsExactly(new Event.DampingRaised(0, 0.25));
        DampedFactor floored = DampedFactor.of(singular, order, new Damping(0, 0, true), WORKERS);
        assertThat(floored.r()).isNotNull();
        assertThat(floored.added()).isBetween(1e-6, 0.2);
        assertThat(floored.events()).hasSize(1).hasOnlyElementsOfType(Event.DampingRaised.class);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, Double.NaN, Double.POSITIVE_INFINITY})
    void anHWithoutInputsOrNumbersFallsBackAndKeepsTheWeights(double diagonal) {
        double[] h = new double[IN * IN];
        for (int i = 0; i < IN; i++) {
            h[i * IN + i] = diagonal;
        }
        WeightProblem problem = Layers.problem(22, OUT, new Gram(IN, 10_000, h));
        for (ClipSearch search : new ClipSearch[] {ClipSearch.MIN_MAX, ClipSearch.WEIGHTED}) {
            SolvedWeight solved = new Gptq(new Gptq.Options(search, true, true, 0.01))
                    .solve(problem, format(GridMode.ASYM, 4, 20), WORKERS);
            assertThat(solved.events()).hasAtLeastOneElementOfType(Event.FellBackToRtn.class);
            assertThat(solved.events()).allMatch(Event::weaker).hasSize(search.weighted() ? 2 : 1);
            float[] plain = new Rtn(search.withMeasure(ClipSearch.Measure.PLAIN))
                    .solve(
                            new WeightProblem("w", problem.weight(), OUT, IN, null),
                            format(GridMode.ASYM, 4, 20),
                            WORKERS)
                    .packed()
                    .decode();
            assertThat(solved.packed().decode()).isEqualTo(plain).isNotEqualTo(new float[OUT * IN]);
        }
    }

    @Test
    void aPackedOrderOutsideItsGroupsIsRefused() {
        WeightProblem problem = Layers.problem(23, 8, Layers.correlated(24, IN));
        PackedWeight packed = Layers.packed(
                new Gptq(options(ColumnOrder.ACT, false, false)).solve(problem, format(GridMode.ASYM, 4, 20), WORKERS));
        MemorySegment broken = MemorySegment.ofArray(packed.groupOf().toArray(ValueLayout.JAVA_BYTE));
        broken.set(ValueLayout.JAVA_BYTE, 6, (byte) 8);
        assertThatThrownBy(() -> new PackedWeight(
                        packed.format(),
                        8,
                        IN,
                        packed.codes(),
                        packed.scales(),
                        packed.zeros(),
                        packed.minima(),
                        packed.unit(),
                        broken))
                .hasMessage("HT-404 g_idx: input 3 is in group 8; there are 8; quantize the model again");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void theNumberOfThreadsDoesNotMatter(int threads) {
        WeightProblem problem = Layers.problem(25, OUT, Layers.correlated(26, IN));
        try (Workers others = new Workers(threads)) {
            for (ColumnOrder order : ColumnOrder.values()) {
                Gptq.Options options = new Gptq.Options(ClipSearch.OUTPUT, order, false, false, 0.01, 0.01, false);
                assertThat(new Gptq(options)
                                .solve(problem, format(GridMode.AFFINE, 3, 20), others)
                                .packed()
                                .decode())
                        .isEqualTo(new Gptq(options)
                                .solve(problem, format(GridMode.AFFINE, 3, 20), WORKERS)
                                .packed()
                                .decode());
            }
        }
    }

    private static Gram gram(WeightProblem problem) {
        return Objects.requireNonNull(problem.gram());
    }
}
