package dev.halftone.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.nio.file.Path;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GramServiceTest {
    @TempDir
    private Path temporary = Path.of("");

    @Test
    void hIsTheMeanOfTheOuterProductsAndTheSameForAnyNumberOfThreads() {
        int n = 37;
        int rows = 10_001;
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        float[] x = new float[rows * n];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian() + 0.5f;
        }
        double[] expected = new double[n * n];
        for (int t = 0; t < rows; t++) {
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < n; j++) {
                    expected[i * n + j] += (double) x[t * n + i] * x[t * n + j] / rows;
                }
            }
        }
        try (Activations activations = new Activations(rows, n, temporary);
                Workers one = new Workers(1);
                Workers three = new Workers(3)) {
            Torch.inScope(() -> activations.view(0, rows).copy_(Tensors.of(x, rows, n)));
            Gram gram = GramService.of(activations, one);
            for (int i = 0; i < expected.length; i++) {
                assertThat(gram.h()[i]).isCloseTo(expected[i], within(1e-5));
            }
            assertThat(gram.tokens()).isEqualTo(rows);
            assertThat(GramService.of(activations, three).h()).isEqualTo(gram.h());
        }
    }
}
