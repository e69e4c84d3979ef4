package dev.halftone.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SignalToNoiseTest {
    @ParameterizedTest
    @CsvSource({"4, 128", "4, 4096", "8, 128", "8, 4096"})
    void predictedEqualsMeasuredOnGaussianData(int bits, int group) {
        float[] x = new float[1 << 19];
        Random random = new Random(1);
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        double measured = SignalToNoise.measured(x, rounded(x, bits, group));
        assertThat(SignalToNoise.predicted(bits, WeightMetrics.squaredCrest(x, group, group)))
                .isCloseTo(measured, within(0.3));
        // Levels of the Gaussian case, as published with the formula.
        double expected = bits == 4 ? (group == 128 ? 18.6 : 16.1) : group == 128 ? 43.8 : 41.2;
        assertThat(measured).isCloseTo(expected, within(0.25));
    }

    @Test
    void predictedIsNoMoreThanOneDecibelAboveMeasuredOnHeavyTails() {
        float[] x = new float[1 << 18];
        Random random = new Random(2);
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) Math.pow(random.nextGaussian(), 3);
        }
        double measured = SignalToNoise.measured(x, rounded(x, 4, 128));
        assertThat(SignalToNoise.predicted(4, WeightMetrics.squaredCrest(x, 128, 128)))
                .isLessThan(measured + 1);
    }

    @Test
    void theOutputsRatioFromSecondMomentsIsTheOneOfTheOutputs() {
        int in = 24;
        int out = 10;
        int tokens = 200;
        Random random = new Random(3);
        float[] x = new float[tokens * in];
        float[] w = new float[out * in];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian() * (i % in == 5 ? 30 : 1);
        }
        for (int i = 0; i < w.length; i++) {
            w[i] = (float) random.nextGaussian();
        }
        float[] q = rounded(w, 4, in);
        float[] e = new float[w.length];
        for (int i = 0; i < w.length; i++) {
            e[i] = w[i] - q[i];
        }
        double[] h = new double[in * in];
        double signal = 0;
        double noise = 0;
        for (int t = 0; t < tokens; t++) {
            for (int i = 0; i < in; i++) {
                for (int j = 0; j < in; j++) {
                    h[i * in + j] += (double) x[t * in + i] * x[t * in + j];
                }
            }
            for (int o = 0; o < out; o++) {
                double y = 0;
                double error = 0;
                for (int i = 0; i < in; i++) {
                    y += (double) w[o * in + i] * x[t * in + i];
                    error += (double) e[o * in + i] * x[t * in + i];
                }
                signal += y * y;
                noise += error * error;
            }
        }
        assertThat(SignalToNoise.output(w, e, h, in)).isCloseTo(10 * Math.log10(signal / noise), within(1e-6));
    }

    @Test
    void weightMetricsFindTheHeavyGroupRowAndColumn() {
        int in = 96;
        int out = 20;
        float[] w = new float[out * in];
        Random random = new Random(5);
        for (int i = 0; i < w.length; i++) {
            w[i] = (float) random.nextGaussian();
        }
        WeightMetrics plain = WeightMetrics.of("w", w, out, in);
        assertThat(plain.kurtosis()).isCloseTo(3, within(0.4));
        assertThat(plain.groups()).extracting(WeightMetrics.Group::size).containsExactly(32, 64, 128);
        assertThat(plain.groups().get(0).crestDb()).isBetween(5.0, 8.5);
        assertThat(plain.groups().get(0).snrInt4Db())
                .isGreaterThan(plain.groups().get(1).snrInt4Db());
        w[7 * in + 40] = 100;
        WeightMetrics spiked = WeightMetrics.of("w", w, out, in);
        assertThat(spiked.absmax()).isEqualTo(100);
        assertThat(spiked.rowSpread()).isGreaterThan(20);
        assertThat(spiked.columnSpread()).isGreaterThan(20);
        assertThat(spiked.kurtosis()).isGreaterThan(100);
        assertThat(spiked.rowKurtosis()).isLessThan(20);
        assertThat(WeightMetrics.of("w", new float[64], 2, 32).groups()).isEmpty();
    }

    /** Symmetric, the group's largest magnitude the largest level. */
    private static float[] rounded(float[] x, int bits, int group) {
        float[] y = new float[x.length];
        int q = (1 << (bits - 1)) - 1;
        for (int from = 0; from < x.length; from += group) {
            double largest = 0;
            for (int i = from; i < from + group; i++) {
                largest = Math.max(largest, Math.abs(x[i]));
            }
            for (int i = from; i < from + group; i++) {
                y[i] = (float) (Math.rint(x[i] / (largest / q)) * (largest / q));
            }
        }
        return y;
    }
}
