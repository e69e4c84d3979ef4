package dev.halftone.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.calibration.ChannelStatistics;
import dev.halftone.model.Junction;
import dev.halftone.model.LinearSite;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SmoothQuantTest {
    private static final int WIDTH = 12;
    private static final LinearSite Q = new LinearSite("b.q.weight", 5, WIDTH, false, false);
    private static final LinearSite K = new LinearSite("b.k.weight", 3, WIDTH, false, false);
    private static final Junction JUNCTION = new Junction(0, WIDTH, new Junction.NormOutput("b.norm"), List.of(Q, K));

    private final float[] q = values(5 * WIDTH, 1);
    private final float[] k = values(3 * WIDTH, 2);
    private final ChannelStatistics x = statistics();

    @Test
    void alphaOneBringsEveryActivationToOneAndAlphaZeroEveryColumn() {
        double[] one = scales(1, List.of(q, k), x);
        double[] zero = scales(0, List.of(q, k), x);
        for (int c = 0; c < WIDTH; c++) {
            assertThat(x.absMax()[c] / one[c]).isCloseTo(1, within(1e-12));
            assertThat(columnMax(c, q, k) * zero[c]).isCloseTo(1, within(1e-6));
        }
    }

    @Test
    void alphaOneHalfMakesBothRangesTheirGeometricMean() {
        double[] s = scales(0.5, List.of(q, k), x);
        for (int c = 0; c < WIDTH; c++) {
            double mean = Math.sqrt(x.absMax()[c] * columnMax(c, q, k));
            assertThat(x.absMax()[c] / s[c]).isCloseTo(mean, within(1e-9));
            assertThat(columnMax(c, q, k) * s[c]).isCloseTo(mean, within(1e-6));
        }
    }

    @Test
    void aSecondApplicationChangesNothing() {
        double[] s = scales(0.5, List.of(q, k), x);
        double[] again = scales(0.5, List.of(times(q, s), times(k, s)), x.dividedBy(s));
        assertThat(again).usingComparatorWithPrecision(1e-6).containsOnly(1.0);
    }

    @Test
    void injectedOutliersAreTakenOutAgainWhateverAlphaIs() {
        for (double alpha : new double[] {0, 0.3, 0.5, 0.85, 1}) {
            double[] g = new double[WIDTH];
            for (int c = 0; c < WIDTH; c++) {
                g[c] = c % 5 == 2 ? 1.0 / 32 : 1;
            }
            double[] plain = scales(alpha, List.of(q, k), x);
            double[] injected = scales(alpha, List.of(times(q, g), times(k, g)), x.dividedBy(g));
            for (int c = 0; c < WIDTH; c++) {
                assertThat(injected[c] * g[c]).isCloseTo(plain[c], within(1e-9 * plain[c]));
            }
        }
    }

    @Test
    void aChannelThatNeverMovesIsLeftAlone() {
        ChannelStatistics dead =
                new ChannelStatistics(x.absMax().clone(), x.absMean().clone());
        dead.absMax()[4] = 0;
        assertThat(scales(0.5, List.of(q, k), dead)[4]).isEqualTo(1);
    }

    @Test
    void onlyNormOutputsAreSmoothed() {
        SmoothQuant method = new SmoothQuant(0.5);
        assertThat(method.handles(JUNCTION)).isTrue();
        Junction other = new Junction(3, WIDTH, new Junction.Opaque("a test"), List.of(Q));
        assertThat(method.handles(other)).isFalse();
    }

    private static double[] scales(double alpha, List<float[]> weights, ChannelStatistics x) {
        return new SmoothQuant(alpha)
                .scales(new PlainView(JUNCTION, weights, x))
                .orElseThrow();
    }

    private static double columnMax(int column, float[]... weights) {
        double most = 0;
        for (float[] weight : weights) {
            for (int i = column; i < weight.length; i += WIDTH) {
                most = Math.max(most, Math.abs(weight[i]));
            }
        }
        return most;
    }

    private static float[] times(float[] weight, double[] s) {
        float[] result = new float[weight.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = (float) (weight[i] * s[i % WIDTH]);
        }
        return result;
    }

    private static ChannelStatistics statistics() {
        Random random = new Random(3);
        double[] absMax = random.doubles(WIDTH, 0.5, 30).toArray();
        double[] absMean = random.doubles(WIDTH, 0.1, 0.5).toArray();
        return new ChannelStatistics(absMax, absMean);
    }

    private static float[] values(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
