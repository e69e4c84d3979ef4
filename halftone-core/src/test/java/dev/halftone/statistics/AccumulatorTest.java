package dev.halftone.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.statistics.Accumulator.Limits;
import dev.halftone.statistics.Accumulator.Place;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AccumulatorTest {
    private static final Limits LIMITS = new Limits(8, 256);

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void anySplitMergedInAnyOrderEqualsTheSinglePass(long seed) {
        Random random = new Random(seed);
        int channels = 1 + random.nextInt(40);
        int tokens = 200 + random.nextInt(200);
        float[] x = heavy(tokens * channels, random);
        Accumulator whole = of(x, 0, tokens, channels);
        List<Accumulator> shards = new ArrayList<>();
        for (int from = 0; from < tokens; ) {
            int rows = Math.min(tokens - from, 1 + random.nextInt(60));
            shards.add(of(x, from, rows, channels));
            from += rows;
        }
        Collections.shuffle(shards, random);
        while (shards.size() > 1) {
            Accumulator last = shards.removeLast();
            shards.get(random.nextInt(shards.size())).merge(last);
        }
        Accumulator merged = shards.getFirst();
        assertThat(merged.histogram().toArray()).isEqualTo(whole.histogram().toArray());
        assertThat(merged.tokenHistogram().toArray())
                .isEqualTo(whole.tokenHistogram().toArray());
        assertThat(merged.channels().largest()).isEqualTo(whole.channels().largest());
        assertThat(merged.top().entries()).isEqualTo(whole.top().entries());
        assertThat(merged.totals().tokens()).isEqualTo(tokens);
        Moments a = merged.totals().moments();
        Moments b = whole.totals().moments();
        assertThat(a.count()).isEqualTo((long) tokens * channels);
        assertThat(a.mean()).isCloseTo(b.mean(), within(1e-12));
        assertThat(a.m2() / b.m2()).isCloseTo(1, within(1e-12));
        assertThat(a.m3() / b.m3()).isCloseTo(1, within(1e-11));
        assertThat(a.m4() / b.m4()).isCloseTo(1, within(1e-12));
        assertThat(relative(merged.totals().sumAbs(), whole.totals().sumAbs())).isLessThan(1e-12);
        assertThat(relative(merged.totals().sumSquares(), whole.totals().sumSquares()))
                .isLessThan(1e-12);
        for (int c = 0; c < channels; c++) {
            assertThat(merged.channels().sumSquares(c))
                    .isCloseTo(whole.channels().sumSquares(c), Offset.offset(1e-9));
        }
    }

    @Test
    void figuresEqualTheirDefinitions() {
        Random random = new Random(7);
        int channels = 13;
        float[] x = heavy(101 * channels, random);
        TensorMetrics m = TensorMetrics.of(of(x, 0, 101, channels));
        double mean = 0;
        for (float value : x) {
            mean += (double) value / x.length;
        }
        double[] powers = new double[5];
        double squares = 0;
        double abs = 0;
        for (float value : x) {
            for (int p = 2; p <= 4; p++) {
                powers[p] += Math.pow(value - mean, p) / x.length;
            }
            squares += (double) value * value / x.length;
            abs += Math.abs(value) / (double) x.length;
        }
        assertThat(m.mean()).isCloseTo(mean, within(1e-12));
        assertThat(m.std()).isCloseTo(Math.sqrt(powers[2]), within(1e-12));
        assertThat(m.rms()).isCloseTo(Math.sqrt(squares), within(1e-12));
        assertThat(m.absmean()).isCloseTo(abs, within(1e-12));
        assertThat(m.kurtosis() / (powers[4] / (powers[2] * powers[2]))).isCloseTo(1, within(1e-12));
        assertThat(m.skewness()).isCloseTo(powers[3] / Math.pow(powers[2], 1.5), within(1e-9));
        double n = x.length;
        assertThat(m.kurtosisLlmc()).isCloseTo(m.kurtosis() * Math.pow((n - 1) / n, 2), within(1e-9));
        float[] sorted = x.clone();
        for (int i = 0; i < sorted.length; i++) {
            sorted[i] = Math.abs(sorted[i]);
        }
        Arrays.sort(sorted);
        assertThat(m.absmax()).isEqualTo(sorted[sorted.length - 1]);
        assertThat(m.median() / sorted[sorted.length / 2]).isBetween(1 / 1.13, 1.13);
    }

    @Test
    void closedForms() {
        Random random = new Random(1);
        float[] signs = new float[4096];
        float[] uniform = new float[1_000_000];
        float[] gaussian = new float[1_000_000];
        float[] spike = new float[4096];
        for (int i = 0; i < gaussian.length; i++) {
            uniform[i] = 2 * random.nextFloat() - 1;
            gaussian[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < signs.length; i++) {
            signs[i] = i % 2 == 0 ? 3 : -3;
        }
        spike[77] = 40;
        TensorMetrics ofSigns = metrics(signs, 64);
        assertThat(ofSigns.kurtosis()).isEqualTo(1);
        assertThat(ofSigns.crestDb()).isZero();
        assertThat(ofSigns.maxToMedian()).isEqualTo(1);
        TensorMetrics ofUniform = metrics(uniform, 100);
        assertThat(ofUniform.kurtosis()).isCloseTo(1.8, within(0.01));
        assertThat(ofUniform.crestDb()).isCloseTo(4.77, within(0.01));
        TensorMetrics ofGaussian = metrics(gaussian, 100);
        assertThat(ofGaussian.kurtosis()).isCloseTo(3, within(0.02));
        assertThat(ofGaussian.sixSigmaShare()).isLessThan(1e-6);
        assertThat(ofGaussian.skewness()).isCloseTo(0, within(0.02));
        TensorMetrics ofSpike = metrics(spike, 64);
        // One value among n - 1 zeros: n - 2 + 1 / (n - 1).
        assertThat(ofSpike.kurtosis()).isCloseTo(4094 + 1.0 / 4095, within(1e-6));
        assertThat(ofSpike.maxToMedian()).isZero();
        assertThat(ofSpike.zeros()).isEqualTo(4095);
        assertThat(ofSpike.sixSigmaShare() * 4096).isCloseTo(1, within(1e-9));
        assertThat(ofSpike.topValues().getFirst().channel()).isEqualTo(77 % 64);
        assertThat(metrics(new float[64], 8).kurtosis()).isZero();
    }

    @ParameterizedTest
    @ValueSource(floats = {-8f, 0f, 3f})
    void theSixSigmaShareCountsBothSidesOfTheMeanWhereverItIs(float centre) {
        float[] x = new float[20_000];
        Random random = new Random(3);
        for (int i = 0; i < x.length; i++) {
            x[i] = centre + (float) random.nextGaussian();
        }
        for (int i = 0; i < 20; i++) {
            x[i * 999] = centre + (i % 2 == 0 ? 40 : -40);
        }
        assertThat(metrics(x, 100).sixSigmaShare() * x.length).isCloseTo(20, within(0.6));
    }

    @Test
    void ratiosDoNotDependOnTheScale() {
        float[] x = heavy(6400, new Random(5));
        float[] scaled = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            scaled[i] = 8 * x[i];
        }
        TensorMetrics a = metrics(x, 64);
        TensorMetrics b = metrics(scaled, 64);
        assertThat(b.kurtosis()).isEqualTo(a.kurtosis());
        assertThat(b.crest()).isEqualTo(a.crest());
        assertThat(b.maxToMedian()).isEqualTo(a.maxToMedian());
        assertThat(b.channelSpread()).isEqualTo(a.channelSpread());
        assertThat(b.sixSigmaShare()).isCloseTo(a.sixSigmaShare(), within(1e-15));
        assertThat(b.absmax()).isEqualTo(8 * a.absmax());
    }

    @Test
    void aRotationKeepsTheEnergyAndSpreadsAnOutlierChannel() {
        int n = 64;
        float[] x = new float[500 * n];
        Random random = new Random(11);
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian() * (i % n == 9 ? 50 : 1);
        }
        float[] turned = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            int row = i - i % n;
            double sum = 0;
            for (int j = 0; j < n; j++) {
                // Sylvester's Hadamard matrix: (-1)^(bits that both have) / sqrt(n).
                sum += (Integer.bitCount(i % n & j) % 2 == 0 ? x[row + j] : -x[row + j]) / 8.0;
            }
            turned[i] = (float) sum;
        }
        TensorMetrics before = metrics(x, n);
        TensorMetrics after = metrics(turned, n);
        assertThat(after.rms() / before.rms()).isCloseTo(1, within(1e-6));
        assertThat(before.kurtosis()).isGreaterThan(50);
        assertThat(after.kurtosis()).isBetween(2.0, 4.0);
        assertThat(before.channelSpread()).isGreaterThan(20);
        assertThat(after.channelSpread()).isLessThan(2);
        assertThat(before.energyShare()).isGreaterThan(0.9);
        assertThat(before.topChannels().getFirst().channel()).isEqualTo(9);
    }

    @Test
    void smoothingDividesTheChannelsMaximaExactly() {
        int n = 16;
        float[] x = heavy(100 * n, new Random(2));
        float[] smooth = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            smooth[i] = x[i] / (1 << (i % n % 4));
        }
        float[] before = of(x, 0, 100, n).channels().largest();
        float[] after = of(smooth, 0, 100, n).channels().largest();
        for (int c = 0; c < n; c++) {
            assertThat(after[c]).isEqualTo(before[c] / (1 << (c % 4)));
        }
    }

    @Test
    void whatIsNotFiniteIsCountedAndPassedOver() {
        int n = 8;
        float[] x = heavy(50 * n, new Random(4));
        Accumulator clean = of(x, 1, 49, n);
        float[] broken = x.clone();
        Arrays.fill(broken, 0, n, Float.NaN);
        broken[3] = Float.NEGATIVE_INFINITY;
        Accumulator a = of(broken, 0, 50, n);
        assertThat(a.totals().notFinite()).isEqualTo(n);
        assertThat(a.totals().tokens()).isEqualTo(50);
        assertThat(a.totals().moments()).isEqualTo(clean.totals().moments());
        assertThat(a.histogram().toArray()).isEqualTo(clean.histogram().toArray());
        assertThat(a.channels().toArray()).isEqualTo(clean.channels().toArray());
        float[] one = x.clone();
        one[5] = Float.POSITIVE_INFINITY;
        Accumulator b = of(one, 0, 50, n);
        assertThat(b.totals().notFinite()).isEqualTo(1);
        assertThat(b.totals().moments().count()).isEqualTo(50 * n - 1);
        assertThat(TensorMetrics.of(b).absmax()).isFinite();
        assertThat(b.importance()[0]).isCloseTo(of(x, 0, 50, n).importance()[0], within(1e-12));
    }

    @Test
    void anEmptyAccumulatorHasFiguresOfZero() {
        TensorMetrics m = TensorMetrics.of(new Accumulator(4, LIMITS));
        assertThat(m.count()).isZero();
        assertThat(m.absmax()).isZero();
        assertThat(m.kurtosis()).isZero();
        assertThat(m.channelSpread()).isZero();
    }

    @Test
    void overlapIsJaccardsIndexOfTheLargestChannels() {
        float[] x = {9, 8, 7, 1, 1, 1};
        float[] y = {9, 8, 1, 7, 1, 1};
        assertThat(TensorMetrics.overlap(of(x, 0, 1, 6), of(x, 0, 1, 6), 3)).isEqualTo(1);
        assertThat(TensorMetrics.overlap(of(x, 0, 1, 6), of(y, 0, 1, 6), 3)).isEqualTo(0.5);
    }

    private static TensorMetrics metrics(float[] x, int channels) {
        return TensorMetrics.of(of(x, 0, x.length / channels, channels));
    }

    private static Accumulator of(float[] x, int from, int rows, int channels) {
        Accumulator accumulator = new Accumulator(channels, LIMITS);
        accumulator.add(
                x, from * channels, rows, new Place(0, from, new int[0]), new Random(from), PositionProfile.NONE);
        return accumulator;
    }

    private static double relative(double a, double b) {
        return Math.abs(a - b) / Math.abs(b);
    }

    /** A cubed Gaussian with an offset: tails, skewness, and some zeros. */
    private static float[] heavy(int length, Random random) {
        float[] x = new float[length];
        for (int i = 0; i < length; i++) {
            double g = random.nextGaussian();
            x[i] = i % 50 == 0 ? 0 : (float) (g * g * g + 0.4);
        }
        return x;
    }
}
