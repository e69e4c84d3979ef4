package dev.halftone.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
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
            assertThat(fast.roundError(w, 3, weight, 2, length, scale, zero, largest))
                    .as("bits %d", bits)
                    .isEqualTo(plain.roundError(w, 3, weight, 2, length, scale, zero, largest));
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 4194303.5f})
    void roundingIsHalfToEvenInEveryProvider(float tie) {
        float[] w = new float[16];
        float[] one = new float[16];
        java.util.Arrays.fill(w, tie);
        java.util.Arrays.fill(one, 1f);
        float expected = plain.roundError(w, 0, one, 0, 16, 1f, 1 << 22, 1 << 24);
        assertThat(expected).isEqualTo(16 * 0.25f);
        assertThat(fast.roundError(w, 0, one, 0, 16, 1f, 1 << 22, 1 << 24)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 5, 8, 15, 16, 17, 33, 130})
    void matrixProductIsTheSameBitsAsThePlainTwin(int n) {
        RandomGenerator random = RANDOM.create(n);
        int m = 7;
        int k = 19;
        double[] a = random.doubles((long) m * (k + 2)).toArray();
        double[] b = random.doubles((long) k * (n + 5)).toArray();
        double[] expected = random.doubles((long) m * (n + 1)).toArray();
        double[] actual = expected.clone();
        plain.subtractProduct(expected, 0, n + 1, a, 1, k + 2, b, 2, n + 5, m, n, k);
        fast.subtractProduct(actual, 0, n + 1, a, 1, k + 2, b, 2, n + 5, m, n, k);
        assertThat(actual).isEqualTo(expected);
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
}
