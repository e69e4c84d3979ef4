package dev.halftone.discrete.tomography;

import dev.halftone.discrete.SparseMatrix;
import java.util.Arrays;

/**
 * SIRT and SART: x <- clip(x + C A^T R (b - A x), 0, 255) with R and C the inverse sums of rows and columns, over all rays at once
 * (SIRT) or over those of one angle after the other (SART).
 *
 * <p>Source: Gilbert, 1972, and Andersen and Kak, 1984, as the code of arXiv:2508.13437 has them.
 */
final class Sirt {
    private final SparseMatrix a;
    private final double[] b;

    /** The pixels that may change; the others keep their values. */
    private final boolean[] free;

    private final double[] rowSums;
    private final int raysPerAngle;

    /** @param raysPerAngle rays of an angle follow one another */
    Sirt(SparseMatrix a, double[] b, boolean[] free, int raysPerAngle) {
        this.a = a;
        this.b = b;
        this.free = free;
        this.raysPerAngle = raysPerAngle;
        double[] ones = new double[a.columns()];
        for (int j = 0; j < ones.length; j++) {
            ones[j] = free[j] ? 1 : 0;
        }
        this.rowSums = new double[a.rows()];
        Arrays.setAll(rowSums, k -> a.rowTimes(k, ones));
    }

    /** Over all pixels of a scan. */
    static Sirt of(Scan scan) {
        boolean[] all = new boolean[scan.a().columns()];
        Arrays.fill(all, true);
        return new Sirt(scan.a(), scan.b(), all, scan.a().rows() / scan.angles());
    }

    /** All rays, {@code times} times. */
    void simultaneous(double[] x, int times) {
        double[] columnSums = columnSums(0, a.rows());
        for (int i = 0; i < times; i++) {
            update(x, 0, a.rows(), columnSums);
        }
    }

    /** One angle after the other, {@code steps} of them. */
    void sequential(double[] x, int steps) {
        int angles = a.rows() / raysPerAngle;
        double[][] columnSums = new double[angles][];
        Arrays.setAll(columnSums, angle -> columnSums(angle * raysPerAngle, (angle + 1) * raysPerAngle));
        for (int i = 0; i < steps; i++) {
            int angle = i % angles;
            update(x, angle * raysPerAngle, (angle + 1) * raysPerAngle, columnSums[angle]);
        }
    }

    private double[] columnSums(int from, int to) {
        double[] sums = new double[a.columns()];
        for (int k = from; k < to; k++) {
            a.addRow(k, 1, sums);
        }
        return sums;
    }

    private void update(double[] x, int from, int to, double[] columnSums) {
        double[] change = new double[x.length];
        for (int k = from; k < to; k++) {
            if (rowSums[k] > 0) {
                a.addRow(k, (b[k] - a.rowTimes(k, x)) / rowSums[k], change);
            }
        }
        for (int j = 0; j < x.length; j++) {
            if (free[j] && columnSums[j] > 0) {
                x[j] = Math.clamp(x[j] + change[j] / columnSums[j], 0, Image.WHITE);
            }
        }
    }
}
