package dev.halftone.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class OutlierMetricsTest {
    @Test
    void closedFormsOfKnownDistributions() {
        Torch.load();
        SplittableRandom random = new SplittableRandom(1);
        float[] gaussian = new float[200_000];
        float[] signs = new float[1000];
        float[] spike = new float[1001];
        for (int i = 0; i < gaussian.length; i++) {
            gaussian[i] = (float) (5 + 2 * random.nextGaussian());
        }
        for (int i = 0; i < signs.length; i++) {
            signs[i] = i % 2 == 0 ? 3 : -3;
        }
        spike[7] = 40;
        assertThat(of(gaussian).kurtosis()).isCloseTo(3, within(0.05));
        assertThat(of(signs)).isEqualTo(new OutlierMetrics.Site("x", 1, 1));
        // One value among n - 1 zeros: n - 2 + 1 / (n - 1).
        assertThat(of(spike).kurtosis()).isCloseTo(999.001, within(1e-6));
        assertThat(of(spike).maxToMedian()).isZero();
    }

    private static OutlierMetrics.Site of(float[] values) {
        OutlierMetrics.Site[] result = new OutlierMetrics.Site[1];
        Torch.inScope(() -> result[0] = OutlierMetrics.of("x", Tensors.of(values, values.length)));
        return result[0];
    }
}
