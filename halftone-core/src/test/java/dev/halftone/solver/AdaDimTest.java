package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.IntGroup;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.TurnedWeight;
import dev.halftone.solver.AdaDim.Base;
import dev.halftone.tensor.Workers;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AdaDimTest {
    private static final int SIZE = 128;
    private static final Workers WORKERS = new Workers(2);
    private static final IntGroup INT3 = new IntGroup(3, 64, false);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    /** Inputs of which three are 40 times as large as the others, and what their weights are multiplied by. */
    private static WeightProblem problem(long seed, float factor) {
        Gram gram = Layers.correlated(seed, SIZE);
        WeightProblem problem = Layers.problem(seed + 1, SIZE, gram);
        for (int j : new int[] {3, 50, 99}) {
            for (int i = 0; i < SIZE; i++) {
                gram.h()[i * SIZE + j] *= 40;
                gram.h()[j * SIZE + i] *= 40;
                problem.weight()[i * SIZE + j] *= factor;
            }
        }
        return problem;
    }

    private static SolvedWeight solve(WeightProblem problem, Base base, Base select) {
        return new AdaDim(new AdaDim.Options(base, select, ClipSearch.MIN_MAX, 0.01)).solve(problem, INT3, WORKERS);
    }

    /** Rounding to nearest in each direction. */
    private static float[] along(WeightProblem problem) {
        return new Rtn(ClipSearch.MIN_MAX)
                .solve(problem, INT3, WORKERS)
                .packed()
                .decode();
    }

    private static float[] across(WeightProblem problem) {
        float[] w = turned(problem.weight());
        return turned(along(new WeightProblem("w", w, SIZE, SIZE, problem.gram())));
    }

    private static float[] turned(float[] w) {
        float[] turned = new float[w.length];
        for (int i = 0; i < w.length; i++) {
            turned[i % SIZE * SIZE + i / SIZE] = w[i];
        }
        return turned;
    }

    @ParameterizedTest
    @EnumSource(Base.class)
    void smallWeightsAtLargeInputsGetScalesOfTheirOwnAndLargeOnesDoNot(Base base) {
        assertThat(solve(problem(1, 0.2f), base, Base.RTN).packed()).isInstanceOf(TurnedWeight.class);
        assertThat(solve(problem(3, 6), base, Base.RTN).packed()).isInstanceOf(PackedWeight.class);
    }

    @Test
    void theLossIsTheSmallerOfBothDirections() {
        for (float factor : new float[] {0.2f, 1, 6}) {
            WeightProblem problem = problem(5, factor);
            double oc = Layers.loss(problem, along(problem));
            double ic = Layers.loss(problem, across(problem));
            SolvedWeight solved = solve(problem, Base.RTN, Base.RTN);
            assertThat(solved.proxyLoss()).isCloseTo(Math.min(oc, ic), within(1e-4 * Math.min(oc, ic)));
            assertThat(solved.packed().decode()).isEqualTo(ic < oc ? across(problem) : along(problem));
            assertThat(solved.codesChanged()).isZero();
        }
    }

    @Test
    void errorFeedbackHelpsInEitherDirectionAndItsOwnLossChoosesNoWorse() {
        for (float factor : new float[] {0.2f, 1, 6}) {
            WeightProblem problem = problem(7, factor);
            double rtn = solve(problem, Base.RTN, Base.RTN).proxyLoss();
            double gptq = solve(problem, Base.GPTQ, Base.RTN).proxyLoss();
            assertThat(gptq).isLessThan(rtn);
            assertThat(solve(problem, Base.GPTQ, Base.GPTQ).proxyLoss()).isLessThanOrEqualTo(gptq * 1.0001);
        }
    }

    @Test
    void scalesOfAnInputAbsorbItsFactor() {
        WeightProblem problem = problem(9, 1);
        float[] scaled = problem.weight().clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] *= i % SIZE % 2 == 0 ? 4 : 0.5f;
        }
        float[] one = across(problem);
        float[] other = across(problem.withWeight(scaled));
        for (int i = 0; i < one.length; i++) {
            assertThat(other[i]).isEqualTo(one[i] * (i % SIZE % 2 == 0 ? 4 : 0.5f));
        }
    }

    @Test
    void withADiagonalHErrorFeedbackChangesNothing() {
        double[] h = new double[SIZE * SIZE];
        for (int j = 0; j < SIZE; j++) {
            h[j * SIZE + j] = j % 20 == 0 ? 400 : 1;
        }
        WeightProblem problem = Layers.problem(11, SIZE, new Gram(SIZE, 10_000, h));
        for (int i = 0; i < SIZE * SIZE; i++) {
            problem.weight()[i] *= i % SIZE % 20 == 0 ? 0.2f : 1;
        }
        SolvedWeight solved = solve(problem, Base.GPTQ, Base.RTN);
        assertThat(solved.packed()).isInstanceOf(TurnedWeight.class);
        assertThat(solved.packed().decode()).isEqualTo(across(problem));
    }

    @Test
    void outputsThatDoNotSplitLeaveOneDirection() {
        Gram gram = Objects.requireNonNull(problem(13, 1).gram());
        WeightProblem problem = Layers.problem(14, 40, gram);
        SolvedWeight solved = solve(problem, Base.RTN, Base.RTN);
        assertThat(solved.packed()).isInstanceOf(PackedWeight.class);
        assertThat(solved.events()).hasAtLeastOneElementOfType(Event.OneDirection.class);
    }
}
