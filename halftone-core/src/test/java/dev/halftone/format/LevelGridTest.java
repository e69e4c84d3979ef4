package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.error.InputException;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LevelGridTest {
    private static final int SAMPLES = 1 << 20;
    private static final float[] ONES = new float[64];

    static {
        Arrays.fill(ONES, 1);
    }

    /** Expected figures: an independent calculation on 2^21 samples; normal and Laplace. */
    @ParameterizedTest
    @CsvSource({
        "mxint8, ocp-floor, 41.67, 40.04",
        "mxint8, ceil, 41.61, 39.98",
        "mxint8, round, 23.26, 22.71",
        "mxfp8_e4m3, ocp-floor, 30.64, 30.09",
        "mxfp8_e4m3, ceil, 31.51, 31.54",
        "mxfp8_e4m3, round, 22.47, 22.39",
        "mxfp8_e5m2, ocp-floor, 25.36, 25.23",
        "mxfp8_e5m2, ceil, 25.55, 25.55",
        "mxfp8_e5m2, round, 21.35, 21.29",
        "mxint6, ocp-floor, 29.62, 28.00",
        "mxint6, ceil, 29.43, 27.75",
        "mxint6, round, 22.69, 22.13",
        "mxfp6_e2m3, ocp-floor, 30.94, 30.32",
        "mxfp6_e2m3, ceil, 30.95, 30.27",
        "mxfp6_e2m3, round, 22.51, 22.33",
        "mxfp6_e3m2, ocp-floor, 25.36, 25.23",
        "mxfp6_e3m2, ceil, 25.55, 25.55",
        "mxfp6_e3m2, round, 21.35, 21.29",
        "mxint4, ocp-floor, 17.56, 16.05",
        "mxint4, ceil, 16.84, 14.96",
        "mxint4, round, 18.09, 16.70",
        "mxfp4, ocp-floor, 18.79, 17.99",
        "mxfp4, ceil, 18.75, 17.56",
        "mxfp4, round, 18.32, 17.59",
        "mxfp4, ct, 19.03, 18.15",
        "mxfp4, floor-4-3, 18.58, 17.59",
        "nvfp4, absmax, 20.43, 20.66",
        "nvfp4, power-unit, 20.43, 20.66",
        "nvint4, absmax, 21.28, 19.78"
    })
    void signalToNoiseIsTheKnownOne(String name, String rule, double normal, double laplace) {
        LevelGroup named = LevelGroup.named(name).orElseThrow();
        LevelGroup format = rule.equals("absmax")
                ? named
                : named.withRule(ScaleRule.titled(rule).orElseThrow());
        assertThat(signalToNoise(samples(false), format)).as("normal").isCloseTo(normal, within(0.1));
        assertThat(signalToNoise(samples(true), format)).as("laplace").isCloseTo(laplace, within(0.1));
    }

    /** Of 8 sizes that lie between two powers of two, as g does. */
    @Test
    void aUnitThatIsAPowerOfTwoCostsNothing() {
        LevelGroup absmax = LevelGroup.named("nvfp4").orElseThrow();
        LevelGroup power = absmax.withRule(ScaleRule.POWER_UNIT);
        for (boolean laplace : new boolean[] {false, true}) {
            double difference = 0;
            for (int i = 0; i < 8; i++) {
                float[] w = samples(laplace, 1 << 16);
                for (int j = 0; j < w.length; j++) {
                    w[j] *= (float) Math.pow(2, i / 8.0);
                }
                difference += (signalToNoise(w, absmax) - signalToNoise(w, power)) / 8;
            }
            assertThat(difference).as("laplace " + laplace).isCloseTo(0, within(0.02));
        }
    }

    @Test
    void aUnitThatIsAPowerOfTwoGivesValuesOfBfloat16() {
        float[] w = samples(true, 4096);
        float[] absmax = rounded(w, LevelGroup.named("nvfp4").orElseThrow());
        LevelGroup power = LevelGroup.named("nvfp4").orElseThrow().withRule(ScaleRule.POWER_UNIT);
        float[] exact = rounded(w, power);
        int others = 0;
        for (int i = 0; i < w.length; i++) {
            assertThat(Float.floatToRawIntBits(exact[i]) & 0xFFFF).isZero();
            others += (Float.floatToRawIntBits(absmax[i]) & 0xFFFF) == 0 ? 0 : 1;
        }
        assertThat(others).isGreaterThan(w.length / 2);
        assertThat(power.unit(new float[] {448 * 6 * 0x1p-9f})).isEqualTo(0x1p-9f);
        assertThat(power.unit(new float[] {Math.nextUp(449 * 6 * 0x1p-9f)})).isEqualTo(0x1p-8f);
        assertThat(power.unit(new float[] {Float.MIN_VALUE})).isEqualTo(Float.MIN_NORMAL);
        assertThat(power.unit(new float[] {Float.MAX_VALUE})).isFinite();
    }

    private static double signalToNoise(float[] w, LevelGroup format) {
        float[] rounded = rounded(w, format);
        double signal = 0;
        double noise = 0;
        for (int i = 0; i < w.length; i++) {
            double error = (double) w[i] - rounded[i];
            signal += (double) w[i] * w[i];
            noise += error * error;
        }
        return 10 * Math.log10(signal / noise);
    }

    private static float[] rounded(float[] w, LevelGroup format) {
        float[] result = new float[w.length];
        LevelGrid grid = new LevelGrid(format, ClipSearch.MIN_MAX, format.unit(w));
        for (int at = 0; at < w.length; at += format.group()) {
            grid.fit(GroupValues.run(w, at, format.group()), ColumnWeights.of(ONES, 0));
            for (int i = at; i < at + format.group(); i++) {
                result[i] = grid.value(grid.code(w[i]));
            }
        }
        return result;
    }

    private static float[] samples(boolean laplace) {
        return samples(laplace, SAMPLES);
    }

    private static float[] samples(boolean laplace, int count) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        float[] w = new float[count];
        for (int i = 0; i < w.length; i++) {
            w[i] = laplace
                    ? (float) (random.nextExponential() * (random.nextBoolean() ? 1 : -1) / Math.sqrt(2))
                    : (float) random.nextGaussian();
        }
        return w;
    }

    @ParameterizedTest
    @ValueSource(strings = {"mxfp8", "mxfp6", "mxfp4", "mxint8", "mxint4", "nvfp4", "nvint4"})
    void powersOfTwoScaleTheResult(String name) {
        LevelGroup format = LevelGroup.named(name).orElseThrow();
        float[] w = samples(false, 4096);
        float[] once = rounded(w, format);
        float[] scaled = w.clone();
        for (int i = 0; i < w.length; i++) {
            scaled[i] *= 0x1p-12f;
            once[i] *= 0x1p-12f;
        }
        assertThat(rounded(scaled, format)).isEqualTo(once);
    }

    /** Signed zeros aside, a rounded tensor is its own rounding. */
    @ParameterizedTest
    @ValueSource(strings = {"mxfp8", "mxfp6_e3m2", "mxfp4", "mxint8", "mxint6"})
    void roundingTwiceChangesNothing(String name) {
        LevelGroup format = LevelGroup.named(name).orElseThrow();
        float[] once = rounded(samples(true, 4096), format);
        assertThat(rounded(once, format)).isEqualTo(once);
    }

    @ParameterizedTest
    @EnumSource(
            value = ScaleRule.class,
            names = {"CEIL", "FLOOR_4_3"})
    void nothingSaturates(ScaleRule rule) {
        for (float[] w : new float[][] {samples(false, 1 << 14), binades()}) {
            LevelGroup format = LevelGroup.named("mxfp4").orElseThrow().withRule(rule);
            LevelGrid grid = new LevelGrid(format, ClipSearch.MIN_MAX, format.unit(w));
            for (int at = 0; at < w.length; at += 32) {
                grid.fit(GroupValues.run(w, at, 32), ColumnWeights.of(ONES, 0));
                for (int i = at; i < at + 32; i++) {
                    assertThat(Math.abs(w[i] / grid.scale())).isLessThanOrEqualTo(6);
                }
            }
        }
    }

    /** Groups of one magnitude at and beside powers of two and 6 times them, and at the ends of float32. */
    private static float[] binades() {
        float[] w = new float[32 * 9];
        float[] magnitudes = {1, 6, 3, 1.5f, Math.nextUp(6f), Math.nextDown(6f), Math.nextUp(4f), 0x1p-120f, 0x1p126f};
        for (int i = 0; i < w.length; i++) {
            w[i] = magnitudes[i / 32] * (i % 2 == 0 ? 1 : -1);
        }
        return w;
    }

    @Test
    void theBestPowerOfTwoIsNoWorseThanThatOfAnyRule() {
        float[] w = samples(true, 1 << 14);
        LevelGroup format = LevelGroup.named("mxfp4").orElseThrow();
        float[] best = rounded(w, format.withRule(ScaleRule.MSE));
        for (ScaleRule rule : new ScaleRule[] {ScaleRule.OCP_FLOOR, ScaleRule.CEIL, ScaleRule.ROUND, ScaleRule.CT}) {
            float[] other = rounded(w, format.withRule(rule));
            for (int at = 0; at < w.length; at += 32) {
                assertThat(error(w, best, at)).as("%s at %d", rule, at).isLessThanOrEqualTo(error(w, other, at));
            }
        }
    }

    private static double error(float[] w, float[] rounded, int at) {
        double sum = 0;
        for (int i = at; i < at + 32; i++) {
            sum += ((double) w[i] - rounded[i]) * ((double) w[i] - rounded[i]);
        }
        return sum;
    }

    @Test
    void exponentsAreThoseOfTheRulesAtTheirEdges() {
        Elements e2m1 = FloatElements.E2M1;
        assertThat(ScaleRule.OCP_FLOOR.exponent(8, e2m1)).isEqualTo(1);
        assertThat(ScaleRule.OCP_FLOOR.exponent(Math.nextDown(8f), e2m1)).isZero();
        assertThat(ScaleRule.CEIL.exponent(6, e2m1)).isZero();
        assertThat(ScaleRule.CEIL.exponent(Math.nextUp(6f), e2m1)).isEqualTo(1);
        assertThat(ScaleRule.CEIL.exponent(3, e2m1)).isEqualTo(-1);
        assertThat(ScaleRule.ROUND.exponent((float) (6 * Math.sqrt(2)), e2m1)).isBetween(0, 1);
        assertThat(ScaleRule.ROUND.exponent(8.4f, e2m1)).isZero();
        assertThat(ScaleRule.ROUND.exponent(8.5f, e2m1)).isEqualTo(1);
        assertThat(ScaleRule.CT.exponent(7, e2m1)).isEqualTo(1);
        assertThat(ScaleRule.CT.exponent(Math.nextDown(7f), e2m1)).isZero();
        assertThat(ScaleRule.FLOOR_4_3.exponent(7, e2m1)).isEqualTo(2);
        assertThat(ScaleRule.OCP_FLOOR.exponent(1.9f, IntElements.INT8)).isZero();
        assertThat(ScaleRule.OCP_FLOOR.exponent(0x1p-140f, FloatElements.E5M2)).isEqualTo(-127);
        assertThat(ScaleRule.CEIL.exponent(Float.MAX_VALUE, FloatElements.E4M3)).isEqualTo(120);
    }

    @Test
    void blocksOfZerosHaveTheScaleThatTheirFormatSays() {
        float[] w = new float[32];
        assertThat(scaleOfZeros("mxfp4", w)).isEqualTo(0x1p-127f);
        assertThat(scaleOfZeros("nvfp4", w)).isEqualTo(0.125f);
        assertThat(scaleOfZeros("nf4", w)).isEqualTo(1);
        assertThat(scaleOfZeros("fp8", w)).isEqualTo(1);
        w[31] = 0x1p-140f;
        for (String name : LevelGroup.names()) {
            assertThat(rounded(w, LevelGroup.named(name).orElseThrow().withGroup(16)))
                    .as(name)
                    .doesNotContain(Float.NaN, Float.POSITIVE_INFINITY);
        }
    }

    private static float scaleOfZeros(String name, float[] w) {
        LevelGroup format = LevelGroup.named(name).orElseThrow();
        LevelGrid grid = new LevelGrid(format, ClipSearch.MIN_MAX, format.unit(w));
        grid.fit(GroupValues.run(w, 0, 16), ColumnWeights.of(ONES, 0));
        assertThat(grid.value(grid.code(0))).isZero();
        return grid.scale();
    }

    @Test
    void aTinyBlockBesideALargeOneKeepsAScaleOfItsOwn() {
        float[] w = new float[32];
        w[0] = 1000;
        w[16] = 0.001f;
        assertThat(rounded(w, LevelGroup.named("nvfp4").orElseThrow())[0]).isEqualTo(1000, within(1f));
        LevelGroup format = LevelGroup.named("nvfp4").orElseThrow();
        LevelGrid grid = new LevelGrid(format, ClipSearch.MIN_MAX, format.unit(w));
        grid.fit(GroupValues.run(w, 16, 16), ColumnWeights.of(ONES, 0));
        assertThat(grid.scale()).isEqualTo(format.unit(w) * 0x1p-9f);
        assertThat(grid.saturated()).isFalse();
    }

    @Test
    void aSearchNeverDoesWorseInItsOwnMeasure() {
        float[] w = samples(true, 64 * 200);
        for (String name : LevelGroup.names()) {
            LevelGroup format = LevelGroup.named(name).orElseThrow().withGroup(64);
            double plain = error(w, format, ClipSearch.MIN_MAX);
            for (ClipSearch search : new ClipSearch[] {ClipSearch.MSE, ClipSearch.LEAST_SQUARES}) {
                assertThat(error(w, format, search)).as(name).isLessThanOrEqualTo(plain);
            }
        }
    }

    private static double error(float[] w, LevelGroup format, ClipSearch search) {
        LevelGrid grid = new LevelGrid(format, search, format.unit(w));
        double sum = 0;
        for (int at = 0; at < w.length; at += 64) {
            grid.fit(GroupValues.run(w, at, 64), ColumnWeights.of(ONES, 0));
            for (int i = at; i < at + 64; i++) {
                double difference = (double) w[i] - grid.value(grid.code(w[i]));
                sum += difference * difference;
            }
        }
        return sum;
    }

    @Test
    void bitsPerWeightAreTheKnownOnes() {
        assertThat(LevelGroup.named("mxfp4").orElseThrow().bitsPerWeight(64, 4096))
                .isEqualTo(4.25);
        assertThat(LevelGroup.named("mxfp6").orElseThrow().bitsPerWeight(64, 4096))
                .isEqualTo(6.25);
        assertThat(LevelGroup.named("mxint8").orElseThrow().bitsPerWeight(64, 4096))
                .isEqualTo(8.25);
        assertThat(LevelGroup.named("nvfp4").orElseThrow().bitsPerWeight(64, 4096))
                .isEqualTo(4.5 + 32 / (64 * 4096.0));
        assertThat(LevelGroup.named("nf4").orElseThrow().withGroup(64).bitsPerWeight(64, 4096))
                .isEqualTo(4.25);
    }

    @Test
    void rulesAndScalesThatDoNotGoTogetherAreRefused() {
        assertThatThrownBy(() -> LevelGroup.named("mxfp8").orElseThrow().withRule(ScaleRule.FLOOR_4_3))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("HT-407 rule floor-4-3 is for e2m1, not for e4m3");
        assertThatThrownBy(() -> LevelGroup.named("fp8").orElseThrow().withRule(ScaleRule.POWER_UNIT))
                .hasMessageStartingWith("HT-407 rule power-unit does not go with fp32 scales");
        assertThatThrownBy(() -> LevelGroup.named("nf4").orElseThrow().withScale(ScaleType.E8M0))
                .hasMessageStartingWith("HT-407 rule absmax does not go with e8m0 scales");
    }
}
