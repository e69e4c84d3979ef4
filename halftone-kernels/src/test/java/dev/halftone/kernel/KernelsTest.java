package dev.halftone.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelsTest {
    private static final RandomGeneratorFactory<RandomGenerator> RANDOM = RandomGeneratorFactory.of("L64X128MixRandom");
    private final Kernels plain = Kernels.scalar();
    private final Kernels fast = new VectorKernels();

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 16, 17, 31, 32, 33, 64, 576, 4097})
    void roundErrorIsTheSameBitsAsThePlainTwin(int length) {
        RandomGenerator random = RANDOM.create(length);
        float[] w = new float[length + 3];
        float[] weight = new float[length + 3];
        for (int i = 0; i < w.length; i++) {
            w[i] = (float) random.nextGaussian();
            weight[i] = random.nextFloat();
        }
        for (int bits = 2; bits <= 8; bits++) {
            int largest = (1 << bits) - 1;
            int zero = random.nextInt(largest + 1);
            float scale = 4f / largest;
            for (Levels levels : List.of(
                    new Levels(scale, 0, zero, 0, largest),
                    new Levels(-scale, 0, zero, 1, largest),
                    new Levels(scale, -1.7f, 0, 0, largest),
                    new Levels(1e-30f, 0, zero, 0, largest))) {
                assertThat(fast.roundError(w, 3, weight, 2, length, levels))
                        .as("%s", levels)
                        .isEqualTo(plain.roundError(w, 3, weight, 2, length, levels));
                for (float power : new float[] {0.5f, 1, 2.4f, 4}) {
                    assertThat(fast.roundErrorPower(w, 3, weight, 2, length, levels, power, 0.5f))
                            .as("%s, power %s", levels, power)
                            .isEqualTo(plain.roundErrorPower(w, 3, weight, 2, length, levels, power, 0.5f));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {0.25f, 0.5f, 1, 2, 2.4f, 3.7f, 8})
    void powersAreThoseOfTheLibraryAndRiseWithTheirBase(float power) {
        float before = 0;
        for (float x = 0x1p-12f; x < 8; x *= 1.01f) {
            float value = Power.of(x, power);
            assertThat((double) value).isCloseTo(Math.pow(x, power), withinPercentage(5e-4));
            assertThat(value).isGreaterThan(before);
            before = value;
        }
        assertThat(Power.of(0, power)).isBetween(0f, 1e-9f);
        assertThat(Power.of(1, power)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(floats = {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 4194303.5f})
    void roundingIsHalfToEvenInEveryProvider(float tie) {
        float[] w = new float[16];
        float[] one = new float[16];
        Arrays.fill(w, tie);
        Arrays.fill(one, 1f);
        Levels levels = new Levels(1, 0, 1 << 22, 0, 1 << 24);
        float expected = plain.roundError(w, 0, one, 0, 16, levels);
        assertThat(expected).isEqualTo(16 * 0.25f);
        assertThat(fast.roundError(w, 0, one, 0, 16, levels)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 5, 8, 15, 16, 17, 33, 130})
    void matrixProductIsTheSameBitsAsThePlainTwin(int n) {
        RandomGenerator random = RANDOM.create(n);
        int m = 21;
        int k = 300;
        double[] a = random.doubles((long) m * (k + 2)).toArray();
        double[] b = random.doubles((long) k * (n + 5)).toArray();
        double[] expected = random.doubles((long) m * (n + 1)).toArray();
        double[] actual = expected.clone();
        plain.addProduct(expected, 0, n + 1, a, 1, k + 2, b, 2, n + 5, m, n, k);
        fast.addProduct(actual, 0, n + 1, a, 1, k + 2, b, 2, n + 5, m, n, k);
        assertThat(actual).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 16, 17, 31, 32, 33, 64, 100, 129})
    void columnsAreAddedAndRoundedToTheSameBitsAsByThePlainTwin(int length) {
        RandomGenerator random = RANDOM.create(length);
        float[] factors = new float[70];
        float[] columns = new float[3 + 60 * length];
        for (float[] values : new float[][] {factors, columns}) {
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
        }
        float[] expected = Arrays.copyOf(columns, length + 2);
        float[] actual = expected.clone();
        plain.addCombination(expected, 2, factors, 5, columns, 3, 60, length);
        fast.addCombination(actual, 2, factors, 5, columns, 3, 60, length);
        assertThat(actual).isEqualTo(expected);

        LevelColumns levels = LevelColumns.of(length + 1, 1, 14);
        for (int i = 0; i <= length; i++) {
            levels.scales()[i] = (random.nextInt(3) - 0.7f) * (i % 5 == 0 ? 1e-30f : 1);
            levels.offsets()[i] = i % 2 * random.nextFloat();
            levels.zeros()[i] = random.nextInt(16);
        }
        int[] codes = new int[length];
        int[] found = new int[length];
        plain.round(expected, 2, levels, 1, codes, length);
        fast.round(actual, 2, levels, 1, found, length);
        assertThat(found).isEqualTo(codes);
        assertThat(actual).isEqualTo(expected);
        for (int i = 0; i < length; i++) {
            assertThat(codes[i]).isBetween(1, 14);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 8, 9, 64, 4097})
    void scaledSubtractionIsTheSameBitsAsThePlainTwin(int length) {
        RandomGenerator random = RANDOM.create(length);
        double[] row = random.doubles(length + 1L).toArray();
        double[] expected = random.doubles(length + 2L).toArray();
        double[] actual = expected.clone();
        plain.subtractScaled(expected, 2, 0.37, row, 1, length);
        fast.subtractScaled(actual, 2, 0.37, row, 1, length);
        assertThat(actual).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 8, 9, 15, 16, 17, 257, 4099})
    void softmaxSumsAreTheSameBitsAsThePlainTwinAndRightTo1e12(int length) {
        RandomGenerator random = RANDOM.create(length);
        float[] p = new float[length];
        float[] q = new float[length];
        for (int i = 0; i < length; i++) {
            p[i] = (float) (8 * random.nextGaussian() + 300);
            q[i] = p[i] + (float) random.nextGaussian();
        }
        p[length / 2] = -1e4f;
        double pNorm = fast.logSumExp(p, 0, length);
        double qNorm = fast.logSumExp(q, 0, length);
        assertThat(pNorm).isEqualTo(plain.logSumExp(p, 0, length));
        assertThat(fast.divergence(p, pNorm, q, qNorm, length)).isEqualTo(plain.divergence(p, pNorm, q, qNorm, length));
        assertThat(fast.argMax(p, 0, length)).isEqualTo(plain.argMax(p, 0, length));

        double largest = p[plain.argMax(p, 0, length)];
        double sum = 0;
        double divergence = 0;
        for (int i = 0; i < length; i++) {
            sum += Math.exp(p[i] - largest);
            divergence += Math.exp(p[i] - pNorm) * ((p[i] - pNorm) - (q[i] - qNorm));
        }
        assertThat(pNorm).isCloseTo(largest + Math.log(sum), within(1e-12));
        assertThat(fast.divergence(p, pNorm, q, qNorm, length)).isCloseTo(divergence, within(1e-12));
        assertThat(fast.divergence(p, pNorm, p, pNorm, length)).isZero();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1e-9, -0.3, -0.35, -1, -12.5, -100, -690})
    void exponentialIsRightTo1e14(double x) {
        assertThat(Exponential.of(x) / Math.exp(x)).isCloseTo(1, within(1e-14));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 16, 40})
    void ofEqualLargestValuesTheFirstCounts(int length) {
        float[] x = new float[length];
        Arrays.fill(x, -3f);
        x[length - 1] = 2f;
        x[length / 2] = 2f;
        assertThat(fast.argMax(x, 0, length)).isEqualTo(length / 2);
        assertThat(plain.argMax(x, 0, length)).isEqualTo(length / 2);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 31, 32, 33, 64, 100, 4096})
    void rangesAndWideningAreTheSameAsThePlainTwins(int length) {
        RandomGenerator random = RANDOM.create(length);
        byte[] bytes = new byte[2 * length];
        random.nextBytes(bytes);
        Arrays.fill(bytes, 0, length, (byte) 0);
        float[] expected = new float[length + 1];
        float[] actual = new float[length + 1];
        plain.widenBfloat16(bytes, expected, length);
        fast.widenBfloat16(bytes, actual, length);
        assertThat(java.util.Arrays.equals(bits(actual), bits(expected))).isTrue();
        int[] plainRange = {0, Integer.MAX_VALUE, Integer.MIN_VALUE};
        int[] fastRange = plainRange.clone();
        int zeros = plain.range(expected, 1, length, 32, plainRange);
        assertThat(zeros).isBetween(Math.max(0, (length / 2 - 1) / 32), length / 64);
        assertThat(fast.range(expected, 1, length, 32, fastRange)).isEqualTo(zeros);
        assertThat(fastRange).isEqualTo(plainRange);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 8, 9, 16, 33, 64, 576, 4097})
    void rowMomentsAreTheSameBitsAsThePlainTwinAndRightTo1e12(int length) {
        float[] x = gaussian(length + 3);
        double[] expected = new double[Kernels.ROW_MOMENTS];
        double[] actual = new double[Kernels.ROW_MOMENTS];
        plain.rowMoments(x, 3, length, expected);
        fast.rowMoments(x, 3, length, actual);
        assertThat(actual).isEqualTo(expected);
        double mean = 0;
        for (int i = 3; i < x.length; i++) {
            mean += (double) x[i] / length;
        }
        double[] sums = {mean, 0, 0, 0, 0, 0, 0};
        for (int i = 3; i < x.length; i++) {
            for (int power = 2; power <= 4; power++) {
                sums[power - 1] += Math.pow(x[i] - mean, power);
            }
            sums[4] += Math.abs(x[i]);
            sums[5] += (double) x[i] * x[i];
            sums[6] = Math.max(sums[6], Math.abs(x[i]));
        }
        for (int i = 0; i < sums.length; i++) {
            assertThat(actual[i]).as("figure %d", i).isCloseTo(sums[i], within(1e-12 * (1 + sums[3])));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 8, 9, 16, 33, 577})
    void columnSumsAreTheSameBitsAsThePlainTwin(int columns) {
        int rows = 13;
        float[] x = gaussian(rows * columns + 2);
        float[][] ranges = new float[4][columns];
        double[][] sums = new double[6][columns];
        plain.columnSums(x, 2, rows, columns, ranges[0], ranges[1], sums[0], sums[1], sums[2]);
        fast.columnSums(x, 2, rows, columns, ranges[2], ranges[3], sums[3], sums[4], sums[5]);
        assertThat(ranges[2]).isEqualTo(ranges[0]);
        assertThat(ranges[3]).isEqualTo(ranges[1]);
        for (int i = 0; i < 3; i++) {
            assertThat(sums[3 + i]).isEqualTo(sums[i]);
        }
        double last = 0;
        for (int t = 0; t < rows; t++) {
            last += x[2 + t * columns + columns - 1];
        }
        assertThat(sums[0][columns - 1]).isCloseTo(last, within(1e-12));
    }

    private static float[] gaussian(int length) {
        RandomGenerator random = RANDOM.create(length);
        float[] x = new float[length];
        for (int i = 0; i < length; i++) {
            x[i] = (float) random.nextGaussian() + 0.5f;
        }
        return x;
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }

    @Test
    void theWalshHadamardTransformEqualsItsTwinAndItsMatrix() {
        java.util.Random random = new java.util.Random(5);
        for (int length = 1; length <= 1024; length *= 2) {
            float[] x = new float[length + 7];
            for (int i = 0; i < x.length; i++) {
                x[i] = (float) random.nextGaussian();
            }
            float[] plain = x.clone();
            float[] fast = x.clone();
            Kernels.scalar().walshHadamard(plain, 3, length);
            Kernels.best().walshHadamard(fast, 3, length);
            assertThat(fast).isEqualTo(plain);
            for (int k = 0; k < length; k += Math.max(1, length / 8)) {
                double sum = 0;
                for (int i = 0; i < length; i++) {
                    sum += (Integer.bitCount(i & k) % 2 == 0 ? 1 : -1) * (double) x[3 + i];
                }
                assertThat((double) plain[3 + k]).isCloseTo(sum, org.assertj.core.api.Assertions.within(1e-4));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 127, 128, 129, 256, 300, 4097})
    void theLargestMovedValueIsTheSameBitsAsThePlainTwinWhereverItStops(int length) {
        RandomGenerator random = RANDOM.create(length);
        double[] d = random.doubles(length, -1, 1).toArray();
        double[] a = random.doubles(2L * length + 5, -1, 1).toArray();
        for (double limit : new double[] {0, 0.5, 1.2, 9}) {
            assertThat(fast.largestMoved(d, a, 3, 0.7, length + 5, -0.4, length, limit))
                    .isEqualTo(plain.largestMoved(d, a, 3, 0.7, length + 5, -0.4, length, limit));
        }
        double all = 0;
        for (int k = 0; k < length; k++) {
            all = Math.max(all, Math.abs(d[k] + 0.7 * a[3 + k] - 0.4 * a[length + 5 + k]));
        }
        assertThat(fast.largestMoved(d, a, 3, 0.7, length + 5, -0.4, length, 9)).isCloseTo(all, within(1e-12));
    }
}
