package dev.halftone.kernel;

/** The plain twin: what the other providers must equal bit for bit. */
final class ScalarKernels implements Kernels {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public float roundError(float[] w, int at, float[] weight, int weightAt, int length, Levels levels) {
        float[] partial = new float[LANES];
        for (int i = 0; i < length; i++) {
            int lane = i % LANES;
            partial[lane] = roundErrorTerm(w[at + i], weight[weightAt + i], levels, partial[lane]);
        }
        return sum(partial);
    }

    /** One element's weighted squared error added to {@code sum}. */
    static float roundErrorTerm(float w, float weight, Levels levels, float sum) {
        float error = roundingError(w, levels);
        return Math.fma(error * weight, error, sum);
    }

    @Override
    public float roundErrorPower(
            float[] w, int at, float[] weight, int weightAt, int length, Levels levels, float power, float unit) {
        float[] partial = new float[LANES];
        for (int i = 0; i < length; i++) {
            int lane = i % LANES;
            partial[lane] = roundErrorPowerTerm(w[at + i], weight[weightAt + i], levels, power, unit, partial[lane]);
        }
        return sum(partial);
    }

    /** One element's weighted power of its error added to {@code sum}. */
    static float roundErrorPowerTerm(float w, float weight, Levels levels, float power, float unit, float sum) {
        return Math.fma(Power.of(Math.abs(roundingError(w, levels)) * unit, power), weight, sum);
    }

    private static float roundingError(float w, Levels levels) {
        float code = Math.clamp(
                (float) Math.rint((w - levels.offset()) / levels.scale()) + levels.zero(),
                (float) levels.lowest(),
                (float) levels.largest());
        return w - ((code - levels.zero()) * levels.scale() + levels.offset());
    }

    /** The fixed order in which partial sums are added. */
    static float sum(float[] partial) {
        for (int half = LANES / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                partial[i] += partial[i + half];
            }
        }
        return partial[0];
    }

    @Override
    public void subtractScaled(double[] target, int at, double factor, double[] row, int from, int length) {
        for (int j = 0; j < length; j++) {
            target[at + j] = Math.fma(-factor, row[from + j], target[at + j]);
        }
    }

    @Override
    public void addProduct(
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
            for (int j = 0; j < n; j++) {
                double sum = c[cAt + i * cStride + j];
                for (int l = 0; l < k; l++) {
                    sum = Math.fma(a[aAt + i * aStride + l], b[bAt + l * bStride + j], sum);
                }
                c[cAt + i * cStride + j] = sum;
            }
        }
    }

    @Override
    public void addCombination(
            float[] target, int at, float[] factors, int from, float[] columns, int columnsAt, int count, int length) {
        for (int j = 0; j < length; j++) {
            target[at + j] = combined(target[at + j], factors, from, columns, columnsAt + j, count, length);
        }
    }

    /** One element of the sum. */
    static float combined(
            float target, float[] factors, int from, float[] columns, int columnsAt, int count, int stride) {
        float sum = target;
        for (int i = 0; i < count; i++) {
            sum = Math.fma(factors[from + i], columns[columnsAt + i * stride], sum);
        }
        return sum;
    }

    @Override
    public void round(float[] w, int at, LevelColumns levels, int from, int[] codes, int length) {
        round(w, at, levels, from, codes, 0, length);
    }

    /** The values from {@code first} on. */
    static void round(float[] w, int at, LevelColumns levels, int from, int[] codes, int first, int length) {
        for (int j = first; j < length; j++) {
            float scale = levels.scales()[from + j];
            float offset = levels.offsets()[from + j];
            int zero = (int) levels.zeros()[from + j];
            codes[j] = Levels.code(w[at + j], scale, offset, zero, levels.lowest(), levels.largest());
            w[at + j] = Levels.value(codes[j], scale, offset, zero);
        }
    }

    @Override
    public int argMax(float[] x, int at, int length) {
        int best = 0;
        for (int i = 1; i < length; i++) {
            if (x[at + i] > x[at + best]) {
                best = i;
            }
        }
        return best;
    }

    @Override
    public double logSumExp(float[] x, int at, int length) {
        float largest = x[at + argMax(x, at, length)];
        double[] partial = new double[DOUBLE_LANES];
        for (int i = 0; i < length; i++) {
            partial[i % DOUBLE_LANES] += Exponential.of((double) x[at + i] - largest);
        }
        return largest + Math.log(sum(partial));
    }

    @Override
    public double divergence(float[] p, double pNorm, float[] q, double qNorm, int length) {
        double[] partial = new double[DOUBLE_LANES];
        for (int i = 0; i < length; i++) {
            int lane = i % DOUBLE_LANES;
            partial[lane] = divergenceTerm(p[i] - pNorm, q[i] - qNorm, partial[lane]);
        }
        return sum(partial);
    }

    /** One element's share of the divergence added to {@code sum}. */
    static double divergenceTerm(double logP, double logQ, double sum) {
        return Math.fma(Exponential.of(logP), logP - logQ, sum);
    }

    static double sum(double[] partial) {
        for (int half = DOUBLE_LANES / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                partial[i] += partial[i + half];
            }
        }
        return partial[0];
    }

    @Override
    public void widenBfloat16(byte[] source, float[] target, int count) {
        widenBfloat16(source, target, 0, count);
    }

    static void widenBfloat16(byte[] source, float[] target, int from, int to) {
        for (int i = from; i < to; i++) {
            target[i] = Float.intBitsToFloat((source[2 * i] & 0xFF) << 16 | source[2 * i + 1] << 24);
        }
    }

    @Override
    public int range(float[] x, int at, int length, int group, int[] range) {
        int zeroGroups = 0;
        for (int from = 0; from < length; from += group) {
            int to = Math.min(length, from + group);
            int magnitude = 0;
            for (int i = from; i < to; i++) {
                int bits = Float.floatToRawIntBits(x[at + i]);
                int key = Kernels.orderedKey(bits);
                magnitude = Math.max(magnitude, bits & 0x7FFF_FFFF);
                range[1] = Math.min(range[1], key);
                range[2] = Math.max(range[2], key);
            }
            range[0] = Math.max(range[0], magnitude);
            zeroGroups += magnitude == 0 && to - from == group ? 1 : 0;
        }
        return zeroGroups;
    }

    @Override
    public void rowMoments(float[] x, int at, int length, double[] result) {
        double[] sum = new double[DOUBLE_LANES];
        double[] sumAbs = new double[DOUBLE_LANES];
        double[] squares = new double[DOUBLE_LANES];
        double largest = 0;
        for (int i = 0; i < length; i++) {
            int lane = i % DOUBLE_LANES;
            double value = x[at + i];
            sum[lane] += value;
            sumAbs[lane] += Math.abs(value);
            squares[lane] = Math.fma(value, value, squares[lane]);
            largest = Math.max(largest, Math.abs(value));
        }
        double mean = sum(sum) / length;
        result[0] = mean;
        result[4] = sum(sumAbs);
        result[5] = sum(squares);
        result[6] = largest;
        double[] second = new double[DOUBLE_LANES];
        double[] third = new double[DOUBLE_LANES];
        double[] fourth = new double[DOUBLE_LANES];
        centralTerms(x, at, 0, length, mean, second, third, fourth);
        result[1] = sum(second);
        result[2] = sum(third);
        result[3] = sum(fourth);
    }

    /** Powers of (x - mean) from index {@code from} on, added to the partial sums. */
    static void centralTerms(
            float[] x, int at, int from, int to, double mean, double[] second, double[] third, double[] fourth) {
        for (int i = from; i < to; i++) {
            int lane = i % DOUBLE_LANES;
            double d = x[at + i] - mean;
            double square = d * d;
            second[lane] += square;
            third[lane] = Math.fma(square, d, third[lane]);
            fourth[lane] = Math.fma(square, square, fourth[lane]);
        }
    }

    @Override
    public void columnSums(
            float[] x,
            int at,
            int rows,
            int columns,
            float[] low,
            float[] high,
            double[] sum,
            double[] sumAbs,
            double[] sumSquares) {
        columnSums(x, at, rows, columns, 0, low, high, sum, sumAbs, sumSquares);
    }

    /** Columns {@code first} and later. */
    static void columnSums(
            float[] x,
            int at,
            int rows,
            int columns,
            int first,
            float[] low,
            float[] high,
            double[] sum,
            double[] sumAbs,
            double[] sumSquares) {
        for (int t = 0; t < rows; t++) {
            int row = at + t * columns;
            for (int c = first; c < columns; c++) {
                float value = x[row + c];
                low[c] = value < low[c] ? value : low[c];
                high[c] = value > high[c] ? value : high[c];
                sum[c] += value;
                sumAbs[c] += Math.abs((double) value);
                sumSquares[c] = Math.fma((double) value, (double) value, sumSquares[c]);
            }
        }
    }

    @Override
    public void walshHadamard(float[] x, int at, int length) {
        for (int h = 1; h < length; h *= 2) {
            for (int block = at; block < at + length; block += 2 * h) {
                for (int i = block; i < block + h; i++) {
                    float a = x[i];
                    float b = x[i + h];
                    x[i] = a + b;
                    x[i + h] = a - b;
                }
            }
        }
    }

    @Override
    public double largestMoved(double[] d, double[] a, int i, double f, int j, double g, int length, double limit) {
        return largestMoved(d, a, i, f, j, g, 0, length, 0, limit);
    }

    /** From value {@code from} on, the start of a block, with what the ones before it gave. */
    static double largestMoved(
            double[] d,
            double[] a,
            int i,
            double f,
            int j,
            double g,
            int from,
            int length,
            double before,
            double limit) {
        double largest = before;
        for (int block = from; block < length && !(largest > limit); block += MOVED_BLOCK) {
            for (int k = block; k < Math.min(length, block + MOVED_BLOCK); k++) {
                double moved = Math.fma(g, a[j + k], Math.fma(f, a[i + k], d[k]));
                largest = Math.max(largest, Math.abs(moved));
            }
        }
        return largest;
    }
}
