package dev.halftone.discrete;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.discrete.Amvm.Mode;
import dev.halftone.discrete.Amvm.Options;
import dev.halftone.discrete.milp.IntegerProgram;
import dev.halftone.discrete.milp.IntegerProgram.Outcome;
import dev.halftone.tensor.Torch;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class IntegerProgramTest {
    @Test
    void theExactSolverFindsTheOptimumOfEvenAndUnevenLevels() {
        // Both libraries in one process: what either brings along must not disturb the other.
        Torch.load();
        for (int i = 0; i < 6; i++) {
            RandomGenerator random = SmallProblems.random(i);
            MinMaxProblem problem =
                    i % 2 == 0 ? SmallProblems.even(random, 5, 3, 12) : SmallProblems.uneven(random, 5, 3, 12);
            double optimum = SmallProblems.optimum(problem);
            Outcome exact = IntegerProgram.solve(problem, 60);
            assertThat(exact.optimal()).isTrue();
            assertThat(exact.violation()).as("problem %d", i).isCloseTo(optimum, within(1e-9));
            assertThat(exact.bound()).isCloseTo(optimum, within(1e-6));
        }
    }

    @Test
    void theRelaxationIsBelowTheOptimumAndBelowWhatTheHeuristicFinds() {
        for (int i = 0; i < 10; i++) {
            RandomGenerator random = SmallProblems.random(50 + i);
            MinMaxProblem problem = SmallProblems.uneven(random, 5, 3, 20);
            IntegerProgram.Relaxed relaxed = IntegerProgram.relax(problem);
            double found = new Amvm(Options.of(Mode.SWAPS_AND_STEPS, 50, false, i))
                    .solve(problem, problem.nearest(relaxed.x()))
                    .violation();
            assertThat(relaxed.violation()).isLessThanOrEqualTo(SmallProblems.optimum(problem) + 1e-9);
            assertThat(found).isGreaterThanOrEqualTo(relaxed.violation() - 1e-9);
        }
    }
}
