package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.ColumnWeights;
import dev.halftone.format.FittedGrid;
import dev.halftone.format.GroupValues;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.ScaleRule;
import dev.halftone.tensor.Workers;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The solvers on grids that are no integers. */
class LevelFormatsTest {
    private static final Workers WORKERS = new Workers(2);
    private static final int OUT = 24;
    private static final int IN = 128;

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    static Stream<String> names() {
        return LevelGroup.names().stream();
    }

    @ParameterizedTest
    @MethodSource("names")
    void whatIsPackedIsTheSimulatedRoundingBitForBit(String name) {
        LevelGroup format = LevelGroup.named(name).orElseThrow();
        WeightProblem problem = Layers.problem(3, OUT, Layers.correlated(4, IN));
        float[] w = problem.weight();
        w[5] = 0;
        w[6] = -0f;
        float[] packed = new Rtn(ClipSearch.MIN_MAX)
                .solve(problem, format, WORKERS)
                .packed()
                .decode();
        int length = format.groupIn(IN);
        float[] ones = new float[length];
        for (int at = 0; at < w.length; at += length) {
            FittedGrid grid = format.grid(ClipSearch.MIN_MAX, format.unit(w));
            grid.fit(GroupValues.run(w, at, length), ColumnWeights.of(ones, 0));
            for (int i = at; i < at + length; i++) {
                assertThat(Float.floatToRawIntBits(packed[i]))
                        .isEqualTo(Float.floatToRawIntBits(grid.value(grid.code(w[i]))));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void withoutCorrelationGptqIsRtnAndWithItIsBetter(String name) {
        LevelGroup format = LevelGroup.named(name).orElseThrow();
        double[] identity = new double[IN * IN];
        for (int i = 0; i < IN; i++) {
            identity[i * IN + i] = 1;
        }
        Gptq gptq = new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01));
        WeightProblem plain = Layers.problem(5, OUT, new Gram(IN, 1000, identity));
        assertThat(gptq.solve(plain, format, WORKERS).packed().decode())
                .isEqualTo(new Rtn(ClipSearch.MIN_MAX)
                        .solve(plain, format, WORKERS)
                        .packed()
                        .decode());
        WeightProblem correlated = Layers.problem(5, OUT, Layers.correlated(6, IN));
        SolvedWeight solved = gptq.solve(correlated, format, WORKERS);
        assertThat(solved.proxyLoss()).isLessThan(0.8 * solved.rtnLoss());
        assertThat(solved.codesChanged()).isPositive();
        assertThat(solved.events()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mxfp4", "nvfp4", "nf4"})
    void gridsThatAreFittedOnTheWayAreNoLessGood(String name) {
        LevelGroup format = LevelGroup.named(name).orElseThrow().withGroup(16);
        WeightProblem problem = Layers.problem(7, OUT, Layers.correlated(8, IN));
        for (boolean actOrder : new boolean[] {false, true}) {
            SolvedWeight solved = new Gptq(new Gptq.Options(ClipSearch.WEIGHTED, actOrder, false, 0.01))
                    .solve(problem, format, WORKERS);
            assertThat(solved.proxyLoss()).isLessThan(0.8 * solved.rtnLoss());
            assertThat(Layers.packed(solved).format().reordered()).isEqualTo(actOrder);
        }
    }

    @Test
    void aWeightedChoiceOfPowersHasLessWeightedErrorThanThePlainOne() {
        WeightProblem problem = Layers.problem(9, OUT, Layers.correlated(10, IN));
        LevelGroup format = LevelGroup.named("mxfp4").orElseThrow().withRule(ScaleRule.MSE);
        double plain = weighted(problem, new Rtn(ClipSearch.MIN_MAX).solve(problem, format, WORKERS));
        ClipSearch search = ClipSearch.MIN_MAX.withMeasure(ClipSearch.Measure.WEIGHTED);
        assertThat(weighted(problem, new Rtn(search).solve(problem, format, WORKERS)))
                .isLessThan(plain);
    }

    private static double weighted(WeightProblem problem, SolvedWeight solved) {
        Gram gram = java.util.Objects.requireNonNull(problem.gram());
        float[] q = solved.packed().decode();
        double sum = 0;
        for (int i = 0; i < q.length; i++) {
            double error = (double) problem.weight()[i] - q[i];
            sum += gram.diagonal()[i % IN] * error * error;
        }
        return sum;
    }
}
