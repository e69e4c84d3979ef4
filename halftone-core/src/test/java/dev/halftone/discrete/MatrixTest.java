package dev.halftone.discrete;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class MatrixTest {
    @Test
    void sparseAndDenseMatricesOfTheSameNumbersDoTheSame() {
        RandomGenerator random = SmallProblems.random(4);
        int rows = 30;
        int n = 12;
        SparseMatrix sparse =
                (SparseMatrix) SmallProblems.sparse(random, n, 2, rows).a();
        double[][] numbers = new double[rows][n];
        for (int k = 0; k < rows; k++) {
            sparse.row(k, numbers[k]);
        }
        DenseMatrix dense = DenseMatrix.ofRows(numbers);
        MinMaxProblem one = new MinMaxProblem(sparse, new double[rows], LevelSet.even(-1, 1, 3));
        MinMaxProblem other = new MinMaxProblem(dense, new double[rows], LevelSet.even(-1, 1, 3));
        int[] codes = SmallProblems.start(random, one);
        State s = State.of(one, codes, 4);
        State d = State.of(other, codes, 4);
        assertThat(s.worst()).isEqualTo(d.worst());
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                assertThat(s.after(i, 0.7, j, -0.4, 1e9)).isCloseTo(d.after(i, 0.7, j, -0.4, 1e9), within(1e-12));
                assertThat(s.squaresGrowth(i, 0.7, j, -0.4)).isCloseTo(d.squaresGrowth(i, 0.7, j, -0.4), within(1e-12));
            }
        }
        double[] x = random.doubles(n).toArray();
        assertThat(sparse.rowTimes(3, x)).isCloseTo(dense.residual(x, new double[rows])[3], within(1e-12));
    }

    @Test
    void aColumnThatComesAgainInARowIsAddedUp() {
        SparseMatrix a = new SparseMatrix.Builder(3)
                .row()
                .add(2, 1)
                .add(0, 5)
                .add(2, 0.5)
                .row()
                .row()
                .add(2, 4)
                .build();
        assertThat(a.count()).isEqualTo(3);
        double[] row = new double[3];
        a.row(0, row);
        assertThat(row).containsExactly(5, 0, 1.5);
        a.row(1, row);
        assertThat(row).containsOnly(0);
        a.row(2, row);
        assertThat(row).containsExactly(0, 0, 4);
    }
}
