package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.calibration.Gram;
import dev.halftone.calibration.TokenSample;
import dev.halftone.error.InputException;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.IntGroup;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Check 6 of methods/dmmv.md, and that grids stay. */
class AmvmCodesTest {
    private static final int OUT = 24;
    private static final int IN = 96;
    private static final Workers WORKERS = new Workers(2);
    private static final IntGroup ROWS = new IntGroup(3, NumberFormat.ROW, false);
    private static final AmvmCodes.Options GUARDED = new AmvmCodes.Options(512, 128, 4, true, 1);
    private static final WeightSolver RTN = new Rtn(ClipSearch.MIN_MAX);
    private static final WeightSolver GPTQ = new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, false, true, 0.01));
    private static final WeightSolver ACT_ORDER = new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01));

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    /** A layer whose inputs share a few strong directions, with some of its tokens, few of them large. */
    private static WeightProblem problem(long seed) {
        RandomGenerator random = Layers.random(seed);
        int tokens = 1500;
        double[] mix = random.doubles(8L * IN, -1, 1).toArray();
        float[] x = new float[tokens * IN];
        double[] h = new double[IN * IN];
        for (int t = 0; t < tokens; t++) {
            double size = t % 50 == 0 ? 4 : 1;
            double[] strength = new double[8];
            Arrays.setAll(strength, _ -> random.nextGaussian());
            for (int j = 0; j < IN; j++) {
                double value = 0.3 * random.nextGaussian();
                for (int d = 0; d < 8; d++) {
                    value += strength[d] * mix[d * IN + j];
                }
                x[t * IN + j] = (float) (size * value);
            }
            for (int i = 0; i < IN; i++) {
                for (int j = 0; j < IN; j++) {
                    h[i * IN + j] += (double) x[t * IN + i] * x[t * IN + j] / tokens;
                }
            }
        }
        return Layers.problem(seed + 1, OUT, new Gram(IN, tokens, h).withSample(new TokenSample(IN, x)));
    }

    private static OutputErrors errors(WeightProblem problem) {
        TokenSample sample =
                Objects.requireNonNull(Objects.requireNonNull(problem.gram()).sample());
        return new OutputErrors(problem, sample, WORKERS);
    }

    @Test
    void theWorstErrorOfEveryRowFallsFromAnyStartAndTheMeanSquareHardlyMoves() {
        WeightProblem problem = problem(1);
        OutputErrors errors = errors(problem);
        for (WeightSolver start : List.of(RTN, GPTQ, ACT_ORDER)) {
            float[] before = start.find(problem, ROWS, WORKERS).packed().decode();
            float[] after = new AmvmCodes(start, GUARDED)
                    .find(problem, ROWS, WORKERS)
                    .packed()
                    .decode();
            float[] worstBefore = errors.largest(before);
            float[] worstAfter = errors.largest(after);
            for (int row = 0; row < OUT; row++) {
                assertThat(worstAfter[row]).as("row %d", row).isLessThanOrEqualTo(worstBefore[row]);
            }
            // GPTQ's codes leave guarded swaps less room than those of rounding do.
            double most = start.equals(RTN) ? 0.9 : 0.98;
            assertThat(mean(worstAfter)).as(start.name()).isLessThan(most * mean(worstBefore));
            double squaresBefore = Arrays.stream(errors.rootMeanSquare(before)).sum();
            double squaresAfter = Arrays.stream(errors.rootMeanSquare(after)).sum();
            assertThat(squaresAfter).isLessThan(1.05 * squaresBefore);
        }
    }

    private static double mean(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    @ParameterizedTest
    @ValueSource(strings = {"rows", "groups", "reordered", "levels"})
    void gridsStayAndThreadsDoNotMatter(String kind) {
        WeightProblem problem = problem(5);
        NumberFormat format = switch (kind) {
            case "rows" -> ROWS;
            case "levels" -> LevelGroup.named("nf4").orElseThrow().withGroup(32);
            default -> new IntGroup(3, 32, false);
        };
        WeightSolver start =
                kind.equals("reordered") ? new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, false, 0.01)) : RTN;
        PackedWeight before =
                (PackedWeight) start.find(problem, format, WORKERS).packed();
        SolvedWeight solved = new AmvmCodes(start, GUARDED).solve(problem, format, WORKERS);
        PackedWeight after = (PackedWeight) solved.packed();
        assertThat(after.scales().mismatch(before.scales())).isEqualTo(-1);
        assertThat(after.zeros().mismatch(before.zeros())).isEqualTo(-1);
        assertThat(after.groupOf().mismatch(before.groupOf())).isEqualTo(-1);
        assertThat(after.codes().mismatch(before.codes())).isNotEqualTo(-1);
        assertThat(solved.codesChanged()).isBetween(0.001, 0.9);
        assertThat(solved.proxyLoss()).isPositive().isLessThan(1);
        try (Workers one = new Workers(1)) {
            PackedWeight again = (PackedWeight)
                    new AmvmCodes(start, GUARDED).find(problem, format, one).packed();
            assertThat(again.codes().mismatch(after.codes())).isEqualTo(-1);
        }
    }

    @Test
    void chosenTokensAreTheFirstOnesAndTheWorstOfTheOthers() {
        WeightProblem problem = problem(9);
        OutputErrors errors = errors(problem);
        float[] q = RTN.find(problem, ROWS, WORKERS).packed().decode();
        int[] chosen = errors.chosen(q, 100, 30);
        assertThat(chosen).hasSize(130).isSorted().doesNotHaveDuplicates();
        assertThat(Arrays.copyOf(chosen, 100)).startsWith(0).endsWith(99);
        // Every row's worst token is among them unless there are more rows than places.
        float[] largest = errors.largest(q);
        TokenSample sample =
                Objects.requireNonNull(Objects.requireNonNull(problem.gram()).sample());
        for (int row = 0; row < OUT; row++) {
            int worst = 0;
            double most = 0;
            for (int t = 0; t < sample.tokens(); t++) {
                double e = 0;
                for (int j = 0; j < IN; j++) {
                    e += (double) sample.x()[t * IN + j] * (q[row * IN + j] - problem.weight()[row * IN + j]);
                }
                worst = Math.abs(e) > most ? t : worst;
                most = Math.max(most, Math.abs(e));
            }
            assertThat((double) largest[row]).isCloseTo(most, within(1e-5 * most));
            assertThat(chosen).contains(worst);
        }
    }

    @Test
    void optionsThatCannotBeAreRefused() {
        assertThatThrownBy(() -> new AmvmCodes.Options(0, 1, 1, true, 1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-765");
    }
}
