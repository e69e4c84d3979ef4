package dev.halftone.kernel.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The vector provider against its scalar twin, bit by bit, and the twin against float64. */
class DecodeKernelsTest {
    private static final DecodeKernels PLAIN = DecodeKernels.scalar();
    private static final DecodeKernels FAST = DecodeKernels.best();
    private static final int AT = 3;

    @Test
    void theVectorModuleIsThereInTests() {
        assertThat(FAST.name()).startsWith("vector-");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 15, 16, 17, 31, 32, 33, 64, 576, 577})
    void bothProvidersGiveTheSameBitsForRows(int length) {
        float[] gain = random(length + AT, 2, 1);
        float[] bias = random(length + AT, 3, 1);
        same(length, (kernels, x) -> {
            kernels.rmsNorm(x, AT, x, AT, length, gain, AT, 1e-5f);
            return x;
        });
        same(length, (kernels, x) -> {
            kernels.layerNorm(x, AT, x, AT, length, gain, AT, bias, 1e-5f);
            return x;
        });
        same(length, (kernels, x) -> {
            kernels.layerNorm(x, AT, x, AT, length, gain, AT, new float[0], 1e-5f);
            return x;
        });
        same(length, (kernels, x) -> {
            kernels.multiply(x, AT, gain, AT, length);
            kernels.add(x, AT, bias, AT, length);
            kernels.cap(x, AT, length, 3);
            return x;
        });
        same(2 * length, (kernels, x) -> {
            kernels.turn(x, AT, length, gain, bias, AT);
            return x;
        });
        for (Nonlinearity function : Nonlinearity.values()) {
            same(length, (kernels, x) -> {
                kernels.activate(function, x, AT, length);
                return x;
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 15, 16, 17, 40, 63, 64})
    void bothProvidersGiveTheSameTermsOfASoftmax(int to) {
        for (int from : new int[] {0, to / 2, to - 1}) {
            same(64, (kernels, x) -> {
                float sum = kernels.softmaxTerms(x, AT, 0, from, to, 64);
                for (int i = 0; i < 64; i++) {
                    assertThat(x[AT + i] > 0).isEqualTo(i >= from && i < to);
                }
                x[0] = sum;
                return x;
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8})
    void bothProvidersGiveTheSameProducts(int m) {
        for (int n : new int[] {1, 16, 31, 32, 48, 65}) {
            for (int k : new int[] {0, 1, 7, 64}) {
                float[] a = random(m * (k + 1), 4, 1);
                float[] b = random(Math.max(1, k) * (n + 2), 5, 1);
                same(m * (n + 1), (kernels, c) -> {
                    kernels.addProduct(c, AT, n + 1, a, 0, k + 1, b, 0, n + 2, m, n, k);
                    return c;
                });
            }
        }
    }

    @Test
    void aRowsProductDoesNotDependOnTheRowsBesideIt() {
        float[] a = random(9 * 64, 6, 1);
        float[] b = random(64 * 32, 7, 1);
        float[] together = new float[9 * 32];
        FAST.addProduct(together, 0, 32, a, 0, 64, b, 0, 32, 9, 32, 64);
        for (int i = 0; i < 9; i++) {
            float[] alone = new float[32];
            FAST.addProduct(alone, 0, 32, a, i * 64, 64, b, 0, 32, 1, 32, 64);
            assertThat(alone).containsExactly(Arrays.copyOfRange(together, i * 32, i * 32 + 32));
        }
    }

    @ParameterizedTest
    @EnumSource(Nonlinearity.class)
    void nonlinearitiesAreNearTheirDefinitions(Nonlinearity function) {
        for (double x = -12; x <= 12; x += 0.01) {
            float[] y = {(float) x};
            PLAIN.activate(function, y, 0, 1);
            assertThat((double) y[0]).as("%s of %s", function, x).isCloseTo(exact(function, (float) x), within(3e-6));
        }
    }

    private static double exact(Nonlinearity function, double x) {
        return switch (function) {
            case SILU -> x / (1 + Math.exp(-x));
            case GELU -> x * normal(x);
            case GELU_TANH -> x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case RELU -> Math.max(x, 0);
        };
    }

    /** The normal distribution by the series of its integral, which converges for all x. */
    private static double normal(double x) {
        double term = x;
        double sum = x;
        for (int k = 1; k < 400; k++) {
            term *= x * x / (2 * k + 1);
            sum += term;
        }
        return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    }

    @Test
    void exponentialsAreRightTo2e7AndEndsAreFinite() {
        for (double x = -87; x <= 88; x += 0.013) {
            double exact = Math.exp((float) x);
            assertThat((double) FloatExponential.of((float) x)).isCloseTo(exact, within(2e-7 * exact));
        }
        assertThat(FloatExponential.of(Float.NEGATIVE_INFINITY)).isPositive();
        assertThat(FloatExponential.of(Float.POSITIVE_INFINITY)).isFinite();
    }

    @Test
    void halvesComeBackAsTheyWere() {
        short[] all = new short[1 << 16];
        for (int i = 0; i < all.length; i++) {
            all[i] = (short) i;
        }
        float[] wide = new float[all.length];
        FAST.widen(all, 0, wide, 0, all.length);
        short[] back = new short[all.length];
        DecodeKernels.narrow(wide, 0, back, 0, all.length);
        for (int i = 0; i < all.length; i++) {
            float exact = Float.float16ToFloat(all[i]);
            if (Float.isFinite(exact)) {
                assertThat(wide[i]).isEqualTo(exact);
                assertThat(back[i]).isEqualTo(all[i]);
            } else {
                assertThat(Math.abs(wide[i])).isBetween(65536f, 2 * 65536f);
            }
        }
        float[] plain = new float[33];
        PLAIN.widen(all, 1, plain, 0, 33);
        assertThat(plain).isEqualTo(Arrays.copyOfRange(wide, 1, 34));
    }

    private static void same(int length, BiFunction<DecodeKernels, float[], float[]> run) {
        for (float scale : new float[] {1, 100}) {
            float[] plain = run.apply(PLAIN, random(length + AT, 1, scale));
            float[] fast = run.apply(FAST, random(length + AT, 1, scale));
            for (int i = 0; i < plain.length; i++) {
                assertThat(Float.floatToRawIntBits(fast[i]))
                        .as("%d: %s, %s", i, fast[i], plain[i])
                        .isEqualTo(Float.floatToRawIntBits(plain[i]));
            }
        }
    }

    private static float[] random(int length, long seed, float scale) {
        Random random = new Random(seed);
        float[] x = new float[length];
        for (int i = 0; i < length; i++) {
            x[i] = (float) random.nextGaussian() * scale;
        }
        return x;
    }
}
