package dev.halftone.kernel;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorSpecies;

/** The matrix product of {@link Kernels#addProduct} in vectors: every element stays one chain of fused multiply-adds over k. */
final class VectorProduct {
    private static final VectorSpecies<Double> D = DoubleVector.SPECIES_PREFERRED;

    /** Columns of C that a tile holds in registers. */
    private static final int WIDTH = 2 * D.length();

    /** Rows of a tile: two vectors of each and two of B have to fit into the registers, 32 of which 512 bits bring along. */
    private static final int ROWS = D.length() >= 8 ? 8 : 4;

    /** Steps of k whose panel of B, {@link #WIDTH} wide, fits into the first cache. */
    private static final int DEPTH = 256;

    private VectorProduct() {}

    static void add(
            double[] c,
            int cAt,
            int cStride,
            double[] a,
            int aAt,
            int aStride,
            double[] b,
            int bAt,
            int bStride,
            int m,
            int n,
            int k) {
        int rows = m - m % ROWS;
        int columns = n - n % WIDTH;
        double[] panel = new double[Math.min(k, DEPTH) * WIDTH];
        for (int from = 0; from < k; from += DEPTH) {
            int depth = Math.min(DEPTH, k - from);
            int bFrom = bAt + from * bStride;
            for (int j = 0; rows > 0 && j < columns; j += WIDTH) {
                // Side by side in memory: rows of B may be a multiple of 4096 bytes apart, which all fall into one
                // cache set.
                for (int l = 0; l < depth; l++) {
                    System.arraycopy(b, bFrom + l * bStride + j, panel, l * WIDTH, WIDTH);
                }
                for (int i = 0; i < rows; i += ROWS) {
                    tile(c, cAt + i * cStride + j, cStride, a, aAt + i * aStride + from, aStride, panel, depth);
                }
            }
            edge(
                    c,
                    cAt + columns,
                    cStride,
                    a,
                    aAt + from,
                    aStride,
                    b,
                    bFrom + columns,
                    bStride,
                    rows,
                    n - columns,
                    depth);
            int below = cAt + rows * cStride;
            edge(c, below, cStride, a, aAt + rows * aStride + from, aStride, b, bFrom, bStride, m - rows, n, depth);
        }
    }

    /** What is no whole tile. */
    private static void edge(
            double[] c,
            int cAt,
            int cStride,
            double[] a,
            int aAt,
            int aStride,
            double[] b,
            int bAt,
            int bStride,
            int m,
            int n,
            int k) {
        for (int i = 0; i < m; i++) {
            for (int l = 0; l < k; l++) {
                addScaled(c, cAt + i * cStride, a[aAt + i * aStride + l], b, bAt + l * bStride, n);
            }
        }
    }

    private static void addScaled(double[] target, int at, double factor, double[] row, int from, int length) {
        DoubleVector x = DoubleVector.broadcast(D, factor);
        int j = 0;
        for (; j <= length - D.length(); j += D.length()) {
            x.fma(DoubleVector.fromArray(D, row, from + j), DoubleVector.fromArray(D, target, at + j))
                    .intoArray(target, at + j);
        }
        for (; j < length; j++) {
            target[at + j] = Math.fma(factor, row[from + j], target[at + j]);
        }
    }

    private static void tile(double[] c, int at, int stride, double[] a, int aAt, int aStride, double[] b, int k) {
        if (ROWS == 8) {
            tile8(c, at, stride, a, aAt, aStride, b, k);
        } else {
            tile4(c, at, stride, a, aAt, aStride, b, k);
        }
    }

    /** Four rows by two vectors. Enough accumulators to hide the latency of the fused multiply-add; C2 keeps only locals in registers. */
    private static void tile4(double[] c, int at, int stride, double[] a, int aAt, int aStride, double[] b, int k) {
        int w = D.length();
        DoubleVector c00 = DoubleVector.fromArray(D, c, at);
        DoubleVector c01 = DoubleVector.fromArray(D, c, at + w);
        DoubleVector c10 = DoubleVector.fromArray(D, c, at + stride);
        DoubleVector c11 = DoubleVector.fromArray(D, c, at + stride + w);
        DoubleVector c20 = DoubleVector.fromArray(D, c, at + 2 * stride);
        DoubleVector c21 = DoubleVector.fromArray(D, c, at + 2 * stride + w);
        DoubleVector c30 = DoubleVector.fromArray(D, c, at + 3 * stride);
        DoubleVector c31 = DoubleVector.fromArray(D, c, at + 3 * stride + w);
        for (int l = 0; l < k; l++) {
            DoubleVector b0 = DoubleVector.fromArray(D, b, l * WIDTH);
            DoubleVector b1 = DoubleVector.fromArray(D, b, l * WIDTH + w);
            DoubleVector x0 = DoubleVector.broadcast(D, a[aAt + l]);
            c00 = x0.fma(b0, c00);
            c01 = x0.fma(b1, c01);
            DoubleVector x1 = DoubleVector.broadcast(D, a[aAt + aStride + l]);
            c10 = x1.fma(b0, c10);
            c11 = x1.fma(b1, c11);
            DoubleVector x2 = DoubleVector.broadcast(D, a[aAt + 2 * aStride + l]);
            c20 = x2.fma(b0, c20);
            c21 = x2.fma(b1, c21);
            DoubleVector x3 = DoubleVector.broadcast(D, a[aAt + 3 * aStride + l]);
            c30 = x3.fma(b0, c30);
            c31 = x3.fma(b1, c31);
        }
        c00.intoArray(c, at);
        c01.intoArray(c, at + w);
        c10.intoArray(c, at + stride);
        c11.intoArray(c, at + stride + w);
        c20.intoArray(c, at + 2 * stride);
        c21.intoArray(c, at + 2 * stride + w);
        c30.intoArray(c, at + 3 * stride);
        c31.intoArray(c, at + 3 * stride + w);
    }

    /** Eight rows by two vectors: half as many loads for each multiplication, where there are 32 registers. */
    private static void tile8(double[] c, int at, int stride, double[] a, int aAt, int aStride, double[] b, int k) {
        int w = D.length();
        int low = at + 4 * stride;
        int aLow = aAt + 4 * aStride;
        DoubleVector c00 = DoubleVector.fromArray(D, c, at);
        DoubleVector c01 = DoubleVector.fromArray(D, c, at + w);
        DoubleVector c10 = DoubleVector.fromArray(D, c, at + stride);
        DoubleVector c11 = DoubleVector.fromArray(D, c, at + stride + w);
        DoubleVector c20 = DoubleVector.fromArray(D, c, at + 2 * stride);
        DoubleVector c21 = DoubleVector.fromArray(D, c, at + 2 * stride + w);
        DoubleVector c30 = DoubleVector.fromArray(D, c, at + 3 * stride);
        DoubleVector c31 = DoubleVector.fromArray(D, c, at + 3 * stride + w);
        DoubleVector c40 = DoubleVector.fromArray(D, c, low);
        DoubleVector c41 = DoubleVector.fromArray(D, c, low + w);
        DoubleVector c50 = DoubleVector.fromArray(D, c, low + stride);
        DoubleVector c51 = DoubleVector.fromArray(D, c, low + stride + w);
        DoubleVector c60 = DoubleVector.fromArray(D, c, low + 2 * stride);
        DoubleVector c61 = DoubleVector.fromArray(D, c, low + 2 * stride + w);
        DoubleVector c70 = DoubleVector.fromArray(D, c, low + 3 * stride);
        DoubleVector c71 = DoubleVector.fromArray(D, c, low + 3 * stride + w);
        for (int l = 0; l < k; l++) {
            DoubleVector b0 = DoubleVector.fromArray(D, b, l * WIDTH);
            DoubleVector b1 = DoubleVector.fromArray(D, b, l * WIDTH + w);
            DoubleVector x0 = DoubleVector.broadcast(D, a[aAt + l]);
            c00 = x0.fma(b0, c00);
            c01 = x0.fma(b1, c01);
            DoubleVector x1 = DoubleVector.broadcast(D, a[aAt + aStride + l]);
            c10 = x1.fma(b0, c10);
            c11 = x1.fma(b1, c11);
            DoubleVector x2 = DoubleVector.broadcast(D, a[aAt + 2 * aStride + l]);
            c20 = x2.fma(b0, c20);
            c21 = x2.fma(b1, c21);
            DoubleVector x3 = DoubleVector.broadcast(D, a[aAt + 3 * aStride + l]);
            c30 = x3.fma(b0, c30);
            c31 = x3.fma(b1, c31);
            DoubleVector x4 = DoubleVector.broadcast(D, a[aLow + l]);
            c40 = x4.fma(b0, c40);
            c41 = x4.fma(b1, c41);
            DoubleVector x5 = DoubleVector.broadcast(D, a[aLow + aStride + l]);
            c50 = x5.fma(b0, c50);
            c51 = x5.fma(b1, c51);
            DoubleVector x6 = DoubleVector.broadcast(D, a[aLow + 2 * aStride + l]);
            c60 = x6.fma(b0, c60);
            c61 = x6.fma(b1, c61);
            DoubleVector x7 = DoubleVector.broadcast(D, a[aLow + 3 * aStride + l]);
            c70 = x7.fma(b0, c70);
            c71 = x7.fma(b1, c71);
        }
        c00.intoArray(c, at);
        c01.intoArray(c, at + w);
        c10.intoArray(c, at + stride);
        c11.intoArray(c, at + stride + w);
        c20.intoArray(c, at + 2 * stride);
        c21.intoArray(c, at + 2 * stride + w);
        c30.intoArray(c, at + 3 * stride);
        c31.intoArray(c, at + 3 * stride + w);
        c40.intoArray(c, low);
        c41.intoArray(c, low + w);
        c50.intoArray(c, low + stride);
        c51.intoArray(c, low + stride + w);
        c60.intoArray(c, low + 2 * stride);
        c61.intoArray(c, low + 2 * stride + w);
        c70.intoArray(c, low + 3 * stride);
        c71.intoArray(c, low + 3 * stride + w);
    }
}
