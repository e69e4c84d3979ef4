package dev.halftone.discrete;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class StateTest {
    /** More rows than one panel of A^T A has; moves in a copy too, which has taken p with it. */
    @Test
    void theGrowthOfTheSquaresIsForetoldMoveByMove() {
        RandomGenerator random = SmallProblems.random(9);
        MinMaxProblem problem = SmallProblems.uneven(random, 11, 4, 300);
        State state = State.of(problem, SmallProblems.start(random, problem), 5);
        for (int move = 0; move < 60; move++) {
            int i = random.nextInt(11);
            int j = (i + 1 + random.nextInt(10)) % 11;
            int up = state.inRange(i, 1) ? 1 : -1;
            int down = state.inRange(j, -1) ? -1 : 1;
            double before = state.squares();
            double growth = state.squaresGrowth(i, state.step(i, up), j, state.step(j, down));
            double single = state.squaresGrowth(i, state.step(i, up), i, 0);
            assertThat(problem.a().squaresGrowth(state.d(), i, state.step(i, up), j, state.step(j, down)))
                    .isCloseTo(growth, within(1e-9));
            state.move(i, up);
            assertThat(state.squares() - before).isCloseTo(single, within(1e-9));
            state.move(j, down);
            assertThat(state.squares() - before).isCloseTo(growth, within(1e-9));
            state = move % 7 == 0 ? state.copy() : state;
        }
    }
}
