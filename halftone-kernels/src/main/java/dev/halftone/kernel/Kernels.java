package dev.halftone.kernel;

/**
 * The inner loops of solvers over plain arrays. Every provider gives the same bits: sums over a row run in {@link #LANES}
 * interleaved partial sums that are added in a fixed order, products use fused multiply-add, and rounding is half to even.
 */
public interface Kernels {
    /** Partial sums of a reduction, whatever the vector width. */
    int LANES = 16;

    /** Partial sums of a reduction in float64. */
    int DOUBLE_LANES = 8;

    /** Largest absolute value that {@link #roundError} may meet as w / scale: above it float32 has no fractions to round. */
    float LARGEST_QUOTIENT = 1 << 22;

    /** "scalar", "vector-256"...: for reports. */
    String name();

    /**
     * Squared error of rounding a group to its levels, weighted: sum over i of weight[i] * (w - value)^2. All in float32.
     *
     * @param weight importance of each element
     * @param levels |(w - offset) / scale| below {@link #LARGEST_QUOTIENT}, or so large that the code is clamped
     */
    float roundError(float[] w, int at, float[] weight, int weightAt, int length, Levels levels);

    /**
     * The same with another exponent than 2: sum over i of weight[i] * (unit * |w - value|)^power, powers to about 1e-6.
     *
     * @param unit a power of two that brings the errors near 1
     */
    float roundErrorPower(
            float[] w, int at, float[] weight, int weightAt, int length, Levels levels, float power, float unit);

    /**
     * target[at + j] -= factor * row[from + j] for j below length, in float64 with fused multiply-add.
     */
    void subtractScaled(double[] target, int at, double factor, double[] row, int from, int length);

    /**
     * C += A B in float64, row-major, each element one chain of fused multiply-adds over k = 0, 1, ....
     *
     * @param c (m, n) at offset cAt, row stride cStride; likewise a (m, k) and b (k, n)
     */
    void addProduct(
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
            int k);

    /**
     * Adds columns with factors in float32: target[at + j] += sum over i below count of factors[from + i] * columns[columnsAt + i *
     * length + j] for j below length, each a chain of fused multiply-adds over i = 0, 1, ....
     *
     * @param columns (count, length), without gaps
     */
    void addCombination(
            float[] target, int at, float[] factors, int from, float[] columns, int columnsAt, int count, int length);

    /**
     * Rounds values to levels of their own: the codes of {@link Levels#code(float)}, and in the place of each value the one that its
     * code stands for.
     *
     * @param levels those of the first value stand at {@code from}; quotients as {@link #roundError} wants them
     * @param codes from the first place on
     */
    void round(float[] w, int at, LevelColumns levels, int from, int[] codes, int length);

    /** bfloat16 numbers, little-endian, to float32. */
    void widenBfloat16(byte[] source, float[] target, int count);

    /**
     * Range of values, as integers that show NaN and infinities too.
     *
     * @param group values that a zero group has; a multiple of {@link #LANES}
     * @param range three results, each joined with what is there: [0] the largest magnitude's bits (maximum), [1] and [2] the
     *     smallest and the largest {@link #orderedKey} (minimum and maximum)
     * @return how many of the whole groups, counted from {@code at}, hold zeros only
     */
    int range(float[] x, int at, int length, int group, int[] range);

    /** Integers that order as the floats of these bits do (their minimum needs no care for NaN); its own inverse. */
    static int orderedKey(int bits) {
        return bits ^ ((bits >> 31) & 0x7FFF_FFFF);
    }

    /** Index of the largest of {@code length} values, of equals the first. */
    int argMax(float[] x, int at, int length);

    /** ln of the sum of exp(x), in float64 to about 1e-14; the sum runs in {@link #DOUBLE_LANES} partial sums. */
    double logSumExp(float[] x, int at, int length);

    /**
     * Kullback-Leibler divergence of two distributions given as logits: sum of exp(p') (p' - q') in nats, with p' = p - pNorm and
     * q' = q - qNorm in float64.
     *
     * @param pNorm what {@link #logSumExp} gives for p; qNorm likewise
     */
    double divergence(float[] p, double pNorm, float[] q, double qNorm, int length);

    /**
     * Moments of one row of finite values in two passes, in float64; sums run in {@link #DOUBLE_LANES} partial sums.
     *
     * @param length at least 1
     * @param result [0] mean m, [1] to [3] sum of (x - m)^2, ^3 and ^4, [4] sum of |x|, [5] sum of x^2, [6] max |x|
     */
    void rowMoments(float[] x, int at, int length, double[] result);

    /** Length of {@link #rowMoments}' result. */
    int ROW_MOMENTS = 7;

    /**
     * Adds rows of finite values to figures of each column, row by row.
     *
     * @param x (rows, columns) row-major from offset {@code at}
     * @param low smallest value so far; the others likewise largest, sum, sum of |x| and sum of x^2
     */
    void columnSums(
            float[] x,
            int at,
            int rows,
            int columns,
            float[] low,
            float[] high,
            double[] sum,
            double[] sumAbs,
            double[] sumSquares);

    /**
     * The Walsh-Hadamard transform in place, without its factor 1 / sqrt(length): for h = 1, 2, 4, ... each pair (a, b) that is h
     * apart becomes (a + b, a - b).
     *
     * @param length a power of two
     */
    void walshHadamard(float[] x, int at, int length);

    /**
     * The largest |d[k] + f a[i + k] + g a[j + k]| for k below length, in float64 with fused multiply-add; or, as soon as a block of
     * {@link #MOVED_BLOCK} of them has one above the limit, the largest up to there.
     */
    double largestMoved(double[] d, double[] a, int i, double f, int j, double g, int length, double limit);

    /** Values between two looks at the limit. */
    int MOVED_BLOCK = 128;

    /** The provider for this machine; {@code -Dhalftone.kernels=scalar|vector} forces one. */
    static Kernels best() {
        return KernelChoice.CHOSEN;
    }

    /** The plain twin that every other provider is tested against. */
    static Kernels scalar() {
        return new ScalarKernels();
    }
}
