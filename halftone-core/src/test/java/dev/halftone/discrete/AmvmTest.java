package dev.halftone.discrete;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.discrete.Amvm.Mode;
import dev.halftone.discrete.Amvm.Options;
import dev.halftone.discrete.Amvm.Result;
import dev.halftone.error.InputException;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Checks 1, 3 and 7's pitfalls of methods/dmmv.md. */
class AmvmTest {
    @ParameterizedTest
    @EnumSource(Mode.class)
    void theViolationNeverRisesAndIsThatOfTheCodes(Mode mode) {
        for (long seed = 0; seed < 6; seed++) {
            RandomGenerator random = SmallProblems.random(seed);
            MinMaxProblem problem =
                    seed % 2 == 0 ? SmallProblems.uneven(random, 40, 5, 150) : SmallProblems.sparse(random, 40, 5, 150);
            int[] start = SmallProblems.start(random, problem);
            Result result = new Amvm(Options.of(mode, 40, seed % 3 == 0, seed)).solve(problem, start);

            List<Double> accepted = result.accepted();
            assertThat(accepted.getFirst()).isCloseTo(problem.violation(start), within(1e-9));
            for (int i = 1; i < accepted.size(); i++) {
                assertThat(accepted.get(i)).as("seed %d", seed).isLessThanOrEqualTo(accepted.get(i - 1));
            }
            assertThat(result.violation()).isLessThan(accepted.getFirst());
            // What hundreds of moves have made of D is A x - b computed anew.
            assertThat(result.violation()).isCloseTo(accepted.getLast(), within(1e-9 * accepted.getLast()));
            for (int code : result.codes()) {
                assertThat(code).isBetween(0, 4);
            }
        }
    }

    @Test
    void swapsKeepTheSumOfTheCodes() {
        RandomGenerator random = SmallProblems.random(3);
        MinMaxProblem problem = SmallProblems.even(random, 60, 6, 90);
        int[] start = SmallProblems.start(random, problem);
        Result result = new Amvm(Options.of(Mode.SWAPS, 0, false, 1)).solve(problem, start);
        assertThat(result.codes()).isNotEqualTo(start);
        assertThat(Arrays.stream(result.codes()).sum())
                .isEqualTo(Arrays.stream(start).sum());
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void theGuardKeepsTheSumOfSquaresFromRisingInTheLocalSearch(Mode mode) {
        boolean roseWithout = false;
        for (long seed = 0; seed < 8; seed++) {
            RandomGenerator random = SmallProblems.random(seed);
            MinMaxProblem problem = SmallProblems.even(random, 40, 4, 80);
            int[] start = new Amvm(Options.of(Mode.SWAPS_AND_STEPS, 0, true, 1))
                    .solve(problem, SmallProblems.start(random, problem))
                    .codes();
            double before = squares(problem, start);
            Result guarded = new Amvm(Options.of(mode, 0, true, seed)).solve(problem, start);
            assertThat(guarded.squares()).isLessThanOrEqualTo(before * (1 + 1e-12));
            roseWithout |= new Amvm(Options.of(mode, 0, false, seed))
                            .solve(problem, start)
                            .squares()
                    > before;
        }
        assertThat(roseWithout).isTrue();
    }

    private static double squares(MinMaxProblem problem, int[] codes) {
        return Arrays.stream(problem.residual(codes)).map(d -> d * d).sum();
    }

    @Test
    void smallProblemsAreSolvedToTheOptimum() {
        int reached = 0;
        for (int i = 0; i < 60; i++) {
            RandomGenerator random = SmallProblems.random(100 + i);
            MinMaxProblem problem =
                    SmallProblems.even(random, 3 + random.nextInt(4), 2 + random.nextInt(3), 5 + random.nextInt(25));
            double optimum = SmallProblems.optimum(problem);
            double found = new Amvm(Options.of(Mode.SWAPS_AND_STEPS, 100, false, i))
                    .solve(problem, SmallProblems.start(random, problem))
                    .violation();
            assertThat(found).isGreaterThanOrEqualTo(optimum - 1e-12);
            reached += found <= optimum + 1e-9 ? 1 : 0;
        }
        assertThat(reached).isEqualTo(60);
    }

    @Test
    void theSameSeedGivesTheSameCodesAndFixedVariablesStay() {
        RandomGenerator random = SmallProblems.random(8);
        MinMaxProblem free = SmallProblems.uneven(random, 30, 5, 60);
        boolean[] fixed = new boolean[30];
        Arrays.fill(fixed, 0, 10, true);
        MinMaxProblem problem = new MinMaxProblem(free.a(), free.b(), free.levels(), fixed);
        int[] start = SmallProblems.start(random, problem);
        Amvm amvm = new Amvm(Options.of(Mode.SWAPS_AND_STEPS, 30, false, 5));
        Result result = amvm.solve(problem, start);
        assertThat(amvm.solve(problem, start).codes()).isEqualTo(result.codes());
        assertThat(Arrays.copyOf(result.codes(), 10)).isEqualTo(Arrays.copyOf(start, 10));
        assertThat(result.violation()).isLessThan(problem.violation(start));
    }

    @Test
    void aProblemWithoutViolationAndATargetEndTheSearch() {
        DenseMatrix a = DenseMatrix.ofRows(new double[][] {{1, 0}, {0, 1}});
        MinMaxProblem exact = new MinMaxProblem(a, new double[] {1, 2}, LevelSet.even(0, 1, 4));
        Result solved = new Amvm(Options.of(Mode.SWAPS_AND_STEPS, 1000, false, 1)).solve(exact, new int[] {0, 0});
        assertThat(solved.violation()).isZero();
        assertThat(solved.codes()).containsExactly(1, 2);
        assertThat(solved.iterations()).isLessThan(100);

        Result enough = new Amvm(
                        Options.of(Mode.SWAPS_AND_STEPS, 1000, false, 1).withTarget(1.5))
                .solve(exact, new int[] {0, 0});
        assertThat(enough.violation()).isEqualTo(1);
    }

    @Test
    void partsThatDoNotFitAreRefused() {
        DenseMatrix a = DenseMatrix.ofRows(new double[][] {{1, 0}, {0, 1}});
        LevelSet levels = LevelSet.even(0, 1, 2);
        assertThatThrownBy(() -> new MinMaxProblem(a, new double[] {1}, levels))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-760 problem: b has 1 entries for 2 constraints");
        assertThatThrownBy(() -> new MinMaxProblem(a, new double[] {1, Double.NaN}, levels))
                .hasMessageContaining("HT-760");
        assertThatThrownBy(() -> new LevelSet(new double[] {1, 1})).hasMessageContaining("HT-760");
        assertThatThrownBy(() -> DenseMatrix.ofRows(new double[][] {{1, 0}, {0}}))
                .hasMessageContaining("HT-760");
        assertThatThrownBy(() -> new SparseMatrix.Builder(2).row().add(2, 1)).hasMessageContaining("HT-760");
        MinMaxProblem problem = new MinMaxProblem(a, new double[] {1, 1}, levels);
        Amvm amvm = new Amvm(Options.of(Mode.SWAPS, 1, false, 1));
        assertThatThrownBy(() -> amvm.solve(problem, new int[] {0, 2})).hasMessageContaining("code 2 of variable 1");
        assertThatThrownBy(() -> Options.of(Mode.SWAPS, -1, false, 1)).hasMessageContaining("HT-761");
    }
}
