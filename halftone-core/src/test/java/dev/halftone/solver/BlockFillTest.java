package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.calibration.Gram;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.solver.BlockFill.Filled;
import dev.halftone.solver.BlockFill.Options;
import dev.halftone.tensor.Workers;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

class BlockFillTest {
    private static final int IN = 256;
    private static final int OUT = 12;
    private static final Workers WORKERS = new Workers(2);
    private static final Gram CORRELATED = Layers.correlated(3, IN);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    private static Filled fill(BlockLayout layout, Gram gram, boolean feedback, int rounds, double @Nullable [] drift) {
        BlockFill solver = new BlockFill(new Options(0, 0.01, feedback, rounds, drift != null));
        return solver.fill(Layers.problem(5, OUT, gram), drift, layout, WORKERS);
    }

    /** Ternary types are for ternary weights: on others their only scale leaves nothing to gain. */
    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"TQ1_0", "TQ2_0"})
    void everyStepLowersTheErrorOfTheLayersOutput(BlockLayout layout) {
        Filled searched = fill(layout, CORRELATED, false, 0, null);
        Filled fed = fill(layout, CORRELATED, true, 0, null);
        Filled descended = fill(layout, CORRELATED, true, 2, null);
        assertThat(fed.proxyLoss()).isLessThan(searched.proxyLoss());
        assertThat(descended.proxyLoss()).isLessThan(fed.proxyLoss());
        assertThat(descended.proxyLoss()).isLessThan(descended.rtnLoss());
        assertThat(descended.codesChanged()).isPositive();
        assertThat(descended.events()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(BlockLayout.class)
    void inputsThatHaveNothingInCommonLeaveNothingToFeedBack(BlockLayout layout) {
        double[] h = new double[IN * IN];
        for (int j = 0; j < IN; j++) {
            h[j * IN + j] = 2;
        }
        Filled fed = fill(layout, new Gram(IN, 4 * IN, h), true, 0, null);
        assertThat(fed.codesChanged()).isZero();
    }

    @Test
    void theBytesDoNotDependOnTheNumberOfThreads() {
        BlockFill solver = new BlockFill(new Options(0, 0.01, true, 2, false));
        try (Workers one = new Workers(1)) {
            Filled alone = solver.fill(Layers.problem(5, 40, CORRELATED), null, BlockLayout.Q4_K, one);
            Filled together = new BlockFill(solver.options())
                    .fill(Layers.problem(5, 40, CORRELATED), null, BlockLayout.Q4_K, WORKERS);
            assertThat(together.blocks().bytes().toArray(ValueLayout.JAVA_BYTE))
                    .isEqualTo(alone.blocks().bytes().toArray(ValueLayout.JAVA_BYTE));
        }
    }

    /** H of few tokens, judged by the H that they were drawn from. */
    @Test
    void aRidgeCostsLessOnInputsThatWereNotSeen() {
        WeightProblem unseen = Layers.problem(5, OUT, Layers.expected(3, IN));
        Filled plain = ridged(0);
        Filled ridged = ridged(0.1);
        assertThat(ridged.proxyLoss()).isGreaterThan(plain.proxyLoss());
        assertThat(Layers.trace(unseen, ridged.blocks().decode(), 0))
                .isLessThan(Layers.trace(unseen, plain.blocks().decode(), 0));
    }

    private static Filled ridged(double ridge) {
        return new BlockFill(new Options(ridge, 0, true, 2, false))
                .fill(Layers.problem(5, OUT, CORRELATED), null, BlockLayout.Q4_0, WORKERS);
    }

    /** Inputs that are all half as large as the original's ask for weights that are twice as large. */
    @Test
    void theTargetMakesUpForTheDriftOfTheInputs() {
        WeightProblem problem = Layers.problem(5, OUT, CORRELATED);
        double[] drift = new double[OUT * IN];
        // x = 2 x', so that mean((x - x') x'^T) = H and G = W H.
        for (int i = 0; i < OUT; i++) {
            for (int j = 0; j < IN; j++) {
                for (int k = 0; k < IN; k++) {
                    drift[i * IN + j] +=
                            problem.weight()[i * IN + k] * CORRELATED.h()[k * IN + j];
                }
            }
        }
        float[] q = new BlockFill(new Options(0, 0, true, 1, true))
                .fill(problem, drift, BlockLayout.Q8_0, WORKERS)
                .blocks()
                .decode();
        double[] errors = new double[q.length];
        Arrays.setAll(errors, i -> q[i] - 2 * problem.weight()[i]);
        assertThat(Arrays.stream(errors).map(Math::abs).max().orElseThrow()).isCloseTo(0, within(0.002));
    }

    @Test
    void withoutCalibrationTokensItRoundsAsSearchedAndSaysSo() {
        Filled filled = fill(BlockLayout.Q4_0, new Gram(IN, 0, new double[IN * IN]), true, 2, null);
        assertThat(filled.events()).anyMatch(Event::weaker);
        assertThat(filled.blocks().decode()).hasSize(OUT * IN);
    }

    @Test
    void deadInputsGetZeros() {
        double[] h = CORRELATED.h().clone();
        for (int j = 0; j < IN; j++) {
            h[7 * IN + j] = 0;
            h[j * IN + 7] = 0;
        }
        float[] q = fill(BlockLayout.Q4_0, new Gram(IN, 4 * IN, h), true, 1, null)
                .blocks()
                .decode();
        for (int i = 0; i < OUT; i++) {
            assertThat(q[i * IN + 7]).isZero();
        }
    }
}
