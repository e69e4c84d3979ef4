package dev.halftone.discrete;

/** A (K, n): a row is a constraint, a column a variable's share in each. Immutable, so threads may share it. */
public sealed interface ConstraintMatrix permits DenseMatrix, SparseMatrix {
    /** Constraints, K. */
    int rows();

    /** Variables, n. */
    int columns();

    /** d += factor * A[:, column]. */
    void add(double[] d, int column, double factor);

    /** Row k into {@code target}, n numbers. */
    void row(int k, double[] target);

    /** Sum over k of (2 d + change) change, change = f A[:, i] + g A[:, j]: by how much sum d^2 grows. */
    double squaresGrowth(double[] d, int i, double f, int j, double g);

    /** A x - b. */
    default double[] residual(double[] x, double[] b) {
        double[] d = new double[rows()];
        for (int k = 0; k < d.length; k++) {
            d[k] = -b[k];
        }
        for (int j = 0; j < x.length; j++) {
            if (x[j] != 0) {
                add(d, j, x[j]);
            }
        }
        return d;
    }
}
