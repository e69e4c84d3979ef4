package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GroupGridTest {
    private static final int SAMPLES = 1 << 20;

    /** Expected figures: an independent calculation on 2^20 samples, FP16 scales. */
    @ParameterizedTest
    @CsvSource({
        "normal, 32, 2, 7.83", "normal, 32, 3, 15.24", "normal, 32, 4, 21.85", "normal, 32, 8, 46.46",
        "normal, 128, 2, 5.96", "normal, 128, 3, 13.32", "normal, 128, 4, 19.94", "normal, 128, 8, 44.54",
        "laplace, 32, 4, 20.50", "laplace, 128, 2, 4.92", "laplace, 128, 3, 11.27", "laplace, 128, 4, 17.69"
    })
    void signalToNoiseOfMinMaxGridsIsTheKnownOne(String data, int group, int bits, double expected) {
        float[] w = samples(data);
        double ratio = signalToNoise(w, new IntGroup(bits, group, false), ClipSearch.MIN_MAX);
        assertThat(ratio).isCloseTo(expected, within(0.05));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSearchNeverDoesWorseInItsOwnMeasure(boolean symmetric) {
        float[] w = samples("laplace");
        for (int bits : new int[] {2, 3, 4}) {
            IntGroup format = new IntGroup(bits, 64, symmetric);
            assertThat(signalToNoise(w, format, ClipSearch.MSE))
                    .isGreaterThan(signalToNoise(w, format, ClipSearch.MIN_MAX));
        }
    }

    @Test
    void zeroIsRepresentedExactlyAndNoUnclippedErrorIsAboveHalfAStep() {
        float[] w = samples("normal");
        IntGroup format = new IntGroup(4, 64, false);
        GroupGrid grid = new GroupGrid(format, ClipSearch.MIN_MAX);
        float[] ones = new float[64];
        for (int at = 0; at < 6400; at += 64) {
            w[at] = 0;
            grid.fit(w, at, ones, 0, 64);
            assertThat(rounded(0, grid)).isZero();
            for (int i = at; i < at + 64; i++) {
                // The FP16 scale and the rounded zero point can cost up to another half step at the ends of the range.
                assertThat(Math.abs(w[i] - rounded(w[i], grid))).isLessThanOrEqualTo(1.01f * grid.scale());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(GridMode.class)
    void roundingTwiceOnTheSameGridChangesNothing(GridMode mode) {
        float[] w = samples("normal");
        float[] ones = new float[64];
        java.util.Arrays.fill(ones, 1);
        int bits = mode == GridMode.BINARY ? 1 : mode == GridMode.TERNARY ? 2 : 3;
        for (ScaleType scale : new ScaleType[] {ScaleType.F16, ScaleType.BF16}) {
            GroupGrid grid = new GroupGrid(new IntGroup(bits, 64, mode, scale, 1, false), ClipSearch.MSE.withRefits(2));
            for (int at = 0; at < 640; at += 64) {
                grid.fit(w, at, ones, 0, 64);
                for (int i = at; i < at + 64; i++) {
                    int code = grid.code(w[i]);
                    assertThat(grid.code(grid.value(code))).isEqualTo(code);
                }
            }
        }
    }

    @Test
    void valuesOnASymmetricGridOfPowersOfTwoComeBackExactly() {
        float[] w = {7, -3, 0, 1, 6, -7, 2, -5};
        for (int exponent = -20; exponent < 8; exponent++) {
            float[] scaled = w.clone();
            for (int i = 0; i < w.length; i++) {
                scaled[i] = Math.scalb(w[i], exponent);
            }
            GroupGrid grid =
                    new GroupGrid(new IntGroup(4, 8, GridMode.SYM, ScaleType.E8M0, 1, false), ClipSearch.MIN_MAX);
            grid.fit(scaled, 0, new float[8], 0, 8);
            for (float value : scaled) {
                assertThat(rounded(value, grid)).isEqualTo(value);
            }
        }
    }

    @Test
    void aGroupOfZerosAndGroupsAtTheEndsOfFp16StayFinite() {
        IntGroup format = new IntGroup(4, 4, false);
        GroupGrid grid = new GroupGrid(format, ClipSearch.WEIGHTED);
        float[] ones = {1, 1, 1, 1};
        for (float[] group : new float[][] {{0, 0, 0, 0}, {1e-12f, -1e-12f, 0, 1e-13f}, {3e6f, -1e6f, 5, 0}}) {
            grid.fit(group, 0, ones, 0, 4);
            assertThat(grid.scale()).isPositive().isFinite();
            for (float value : group) {
                assertThat(rounded(value, grid)).isFinite();
            }
        }
    }

    private static float rounded(float w, GroupGrid grid) {
        return grid.value(grid.code(w));
    }

    private static double signalToNoise(float[] w, IntGroup format, ClipSearch search) {
        GroupGrid grid = new GroupGrid(format, search);
        float[] ones = new float[format.group()];
        java.util.Arrays.fill(ones, 1);
        double signal = 0;
        double noise = 0;
        for (int at = 0; at < w.length; at += format.group()) {
            grid.fit(w, at, ones, 0, format.group());
            for (int i = at; i < at + format.group(); i++) {
                double error = (double) w[i] - rounded(w[i], grid);
                signal += (double) w[i] * w[i];
                noise += error * error;
            }
        }
        return 10 * Math.log10(signal / noise);
    }

    private static float[] samples(String data) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        float[] w = new float[SAMPLES];
        for (int i = 0; i < w.length; i++) {
            w[i] = data.equals("normal")
                    ? (float) random.nextGaussian()
                    : (float) (random.nextExponential() * (random.nextBoolean() ? 1 : -1));
        }
        return w;
    }
}
