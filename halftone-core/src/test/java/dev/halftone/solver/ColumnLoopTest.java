package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.ScaleType;
import dev.halftone.solver.ColumnLoop.Walk;
import dev.halftone.solver.DampedFactor.Damping;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ColumnLoopTest {
    /** More than one strip of rows, and a last one that is no whole vector. */
    private static final int OUT = 101;

    private static final int IN = 160;
    private static final Damping DAMPING = new Damping(0.01, 0.01, false);
    private static final Workers WORKERS = new Workers(2);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    private static IntGroup format(GridMode mode, int bits, int group) {
        return new IntGroup(bits, group, mode, ScaleType.F16, 1, false);
    }

    /** The exact identity: all squared errors of the loop add up to the loss with the damped H. */
    @ParameterizedTest
    @EnumSource(ColumnOrder.class)
    void squaredErrorsAddUpToTheLossWithTheDampedH(ColumnOrder columnOrder) {
        Gram gram = Layers.correlated(6, IN);
        WeightProblem problem = Layers.problem(5, OUT, gram);
        int[] order = columnOrder.of(gram.diagonal(), 20);
        DampedFactor factor = DampedFactor.of(gram, order, DAMPING, WORKERS);
        GridRounding grid = GridRounding.fixed(problem, format(GridMode.ASYM, 3, 20), ClipSearch.MIN_MAX, WORKERS);
        ColumnLoop loop = loop(problem, order, factor, grid, null);
        assertThat(loop.loss(0))
                .isCloseTo(Layers.trace(problem, grid.pack().decode(), factor.added()), within(1e-6 * loop.loss(0)));
        assertThat(loop.loss(factor.added()))
                .isCloseTo(Layers.trace(problem, grid.pack().decode(), 0), within(1e-6 * loop.loss(0)));
    }

    private static ColumnLoop loop(
            WeightProblem problem,
            int[] order,
            DampedFactor factor,
            ColumnLoop.Grid grid,
            ColumnLoop.@Nullable Kept kept) {
        Walk walk = new Walk(order, Objects.requireNonNull(factor.r()), 0, false, 128);
        ColumnLoop loop = new ColumnLoop(problem.weight(), problem.out(), walk, grid, kept);
        loop.run(WORKERS);
        return loop;
    }

    /** One weight in nine and a whole column stay: they come back exactly, and the others make up for nothing of theirs. */
    @Test
    void keptWeightsStayExactAndHaveNoError() {
        Gram gram = Layers.correlated(8, IN);
        WeightProblem problem = Layers.problem(7, OUT, gram);
        int[] order = ColumnOrder.ACT.of(gram.diagonal(), 20);
        DampedFactor factor = DampedFactor.of(gram, order, DAMPING, WORKERS);
        double[] exact = new double[OUT * IN];
        Arrays.fill(exact, Double.NaN);
        ColumnLoop.Kept kept = new ColumnLoop.Kept() {
            @Override
            public boolean keeps(int row, int column) {
                return column == 5 || (row + column) % 9 == 0;
            }

            @Override
            public float keep(int row, int column, float value) {
                exact[row * IN + column] = value;
                return value;
            }
        };
        GridRounding grid = GridRounding.fixed(problem, format(GridMode.ASYM, 3, 20), ClipSearch.MIN_MAX, WORKERS);
        ColumnLoop loop = loop(problem, order, factor, grid, kept);
        float[] q = grid.pack().decode();
        int count = 0;
        for (int at = 0; at < exact.length; at++) {
            assertThat(Double.isNaN(exact[at])).isEqualTo(!kept.keeps(at / IN, at % IN));
            if (!Double.isNaN(exact[at])) {
                q[at] = (float) exact[at];
                count++;
            }
        }
        assertThat(count).isGreaterThan(OUT * IN / 10);
        // The identity holds with the kept values in Q.
        assertThat(loop.loss(0)).isCloseTo(Layers.trace(problem, q, factor.added()), within(1e-6 * loop.loss(0)));
        GridRounding all = GridRounding.fixed(problem, format(GridMode.ASYM, 3, 20), ClipSearch.MIN_MAX, WORKERS);
        assertThat(loop.loss(0))
                .isLessThan(loop(problem, order, factor, all, null).loss(0));
        // The first column that is rounded has met no error yet.
        for (int row = 0; row < OUT; row++) {
            if (kept.keeps(row, order[0])) {
                assertThat(exact[row * IN + order[0]]).isEqualTo(problem.weight()[row * IN + order[0]]);
            }
        }
    }

    @Test
    void aLoopThatKeepsEverythingChangesNothing() {
        Gram gram = Layers.correlated(8, IN);
        WeightProblem problem = Layers.problem(7, OUT, gram);
        int[] order = ColumnOrder.NATURAL.of(gram.diagonal(), 20);
        float[] values = new float[OUT * IN];
        ColumnLoop.Kept kept = new ColumnLoop.Kept() {
            @Override
            public boolean keeps(int row, int column) {
                return true;
            }

            @Override
            public float keep(int row, int column, float value) {
                values[row * IN + column] = value;
                return value;
            }
        };
        GridRounding grid = GridRounding.fixed(problem, format(GridMode.ASYM, 3, 20), ClipSearch.MIN_MAX, WORKERS);
        ColumnLoop loop = loop(problem, order, DampedFactor.of(gram, order, DAMPING, WORKERS), grid, kept);
        assertThat(values).isEqualTo(problem.weight());
        assertThat(loop.loss(0)).isZero();
    }

    /** A grid that is no integer grid: powers of two, the same for all rows. */
    @Test
    void theLoopRoundsOnAnyGridAndBeatsRoundingToNearestOnIt() {
        Gram gram = Layers.correlated(10, IN);
        WeightProblem problem = Layers.problem(9, OUT, gram);
        float[] q = new float[OUT * IN];
        ColumnLoop.Grid powers = new ColumnLoop.Grid() {
            @Override
            public int groupOf(int column) {
                return 0;
            }

            @Override
            public void fit(int row, int group, float[] values, int at) {
                throw new AssertionError("the grid is fixed");
            }

            @Override
            public float round(int row, int column, float w) {
                q[row * IN + column] = power(w);
                return q[row * IN + column];
            }
        };
        int[] order = ColumnOrder.NATURAL.of(gram.diagonal(), 20);
        ColumnLoop loop = loop(problem, order, DampedFactor.of(gram, order, DAMPING, WORKERS), powers, null);
        float[] nearest = new float[OUT * IN];
        for (int i = 0; i < nearest.length; i++) {
            nearest[i] = power(problem.weight()[i]);
        }
        assertThat(Layers.trace(problem, q, 0)).isLessThan(0.6 * Layers.trace(problem, nearest, 0));
        assertThat(loop.loss(0)).isPositive();
    }

    private static float power(float w) {
        float below = Math.scalb(1f, Math.getExponent(w));
        return Math.copySign(Math.abs(w) < 1.5f * below ? below : 2 * below, w);
    }

    /** No weight is clipped: the range of each row is stretched by two large ones. */
    @ParameterizedTest
    @ValueSource(ints = {4, 6, 8})
    void theLossStaysBelowItsBoundAndNearAThirdOfIt(int bits) {
        Gram gram = Layers.correlated(18, IN);
        WeightProblem problem = Layers.problem(17, OUT, gram);
        for (int row = 0; row < OUT; row++) {
            problem.weight()[row * IN] = 0.25f;
            problem.weight()[row * IN + 1] = -0.25f;
        }
        int[] order = ColumnOrder.NATURAL.of(gram.diagonal(), IN);
        DampedFactor factor = DampedFactor.of(gram, order, DAMPING, WORKERS);
        GridRounding grid =
                GridRounding.fixed(problem, format(GridMode.ASYM, bits, IntGroup.ROW), ClipSearch.MIN_MAX, WORKERS);
        double loss = loop(problem, order, factor, grid, null).loss(0);
        double[] r = Objects.requireNonNull(factor.r());
        double sum = 0;
        for (int j = 0; j < IN; j++) {
            sum += r[j * IN + j] * r[j * IN + j];
        }
        double step = 0.5 / ((1 << bits) - 1);
        assertThat(loss / (OUT * step * step / 4 * sum)).isBetween(0.27, 0.40);
    }
}
