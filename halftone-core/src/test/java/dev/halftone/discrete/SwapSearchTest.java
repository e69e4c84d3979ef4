package dev.halftone.discrete;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Checks 2 and 8 of methods/dmmv.md: filters leave out nothing that helps, and what is found is what a plain loop finds. */
class SwapSearchTest {
    /** Few worst rows, so that pairs must be computed exactly, and more of them than there are rows. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 100})
    void aSwapIsFoundIfAndOnlyIfThereIsOne(int worst) {
        int some = 0;
        int none = 0;
        for (int i = 0; i < 300; i++) {
            RandomGenerator random = SmallProblems.random(1000L * worst + i);
            int n = 2 + random.nextInt(9);
            int q = 2 + random.nextInt(3);
            int rows = 1 + random.nextInt(40);
            for (MinMaxProblem problem : List.of(
                    SmallProblems.even(random, n, q, rows),
                    SmallProblems.uneven(random, n, q, rows),
                    SmallProblems.sparse(random, n, q, rows))) {
                State state = State.of(problem, SmallProblems.start(random, problem), worst);
                double before = state.t();
                double best = bruteForce(state, false);
                boolean found =
                        new SwapSearch(random.nextBoolean() ? 1 : Integer.MAX_VALUE, false).improve(state, random);
                assertThat(found).as("problem %d", i).isEqualTo(best < LocalSearch.limit(before));
                some += found ? 1 : 0;
                none += found ? 0 : 1;
                if (found) {
                    assertThat(state.t()).isLessThan(before);
                    assertThat(state.t()).isCloseTo(problem.violation(state.codes()), within(1e-12));
                }
            }
        }
        assertThat(some).isGreaterThan(100);
        assertThat(none).isGreaterThan(100);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void withoutACapTheBestSwapOfTwoLevelsIsTaken(boolean guard) {
        int found = 0;
        for (int i = 0; i < 100; i++) {
            RandomGenerator random = SmallProblems.random(i);
            // Two levels, so that the first pair of levels is the only one; many rows, few of which filters look at.
            MinMaxProblem problem =
                    i % 2 == 0 ? SmallProblems.even(random, 24, 2, 400) : SmallProblems.sparse(random, 24, 2, 400);
            State state = State.of(problem, SmallProblems.start(random, problem), 5);
            double best = bruteForce(state, guard);
            double before = state.t();
            if (new SwapSearch(Integer.MAX_VALUE, guard).improve(state, random)) {
                assertThat(state.t()).as("problem %d", i).isCloseTo(best, within(1e-12));
                found++;
            } else {
                assertThat(best).isGreaterThanOrEqualTo(LocalSearch.limit(before));
            }
        }
        assertThat(found).isGreaterThan(20);
    }

    /** The smallest t that a swap leaves, every pair computed from nothing. */
    private static double bruteForce(State state, boolean guard) {
        MinMaxProblem problem = state.problem();
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i < problem.variables(); i++) {
            for (int j = 0; j < problem.variables(); j++) {
                int[] codes = state.codes().clone();
                if (i != j
                        && codes[j] == codes[i] + 1
                        && codes[i] + 1 < problem.levels().get(i).size()) {
                    codes[i]++;
                    codes[j]--;
                    double[] d = problem.residual(codes);
                    double squares = 0;
                    for (double value : d) {
                        squares += value * value;
                    }
                    if (!guard || squares <= state.squares()) {
                        best = Math.min(best, MinMaxProblem.largest(d));
                    }
                }
            }
        }
        return best;
    }
}
