package dev.halftone.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.calibration.ChannelStatistics;
import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.IntGroup;
import dev.halftone.model.Junction;
import dev.halftone.model.LinearSite;
import dev.halftone.solver.LayerLoss;
import dev.halftone.solver.Rtn;
import dev.halftone.solver.WeightProblem;
import dev.halftone.tensor.Workers;
import dev.halftone.transform.AwqScale.Inspect;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AwqScaleTest {
    private static final int OUT = 64;
    private static final int IN = 256;
    private static final LinearSite SITE = new LinearSite("b.fc1.weight", OUT, IN, false, false);
    private static final Junction JUNCTION = new Junction(2, IN, new Junction.NormOutput("b.norm"), List.of(SITE));

    /** A Gaussian layer whose inputs are independent, with these magnitudes. */
    private record Layer(IntGroup format, double[] magnitude, float[] weight, Gram h, Workers workers)
            implements JunctionView {
        static Layer of(int bits, double[] magnitude, Workers workers) {
            Random random = new Random(7);
            float[] weight = new float[OUT * IN];
            for (int i = 0; i < weight.length; i++) {
                weight[i] = (float) random.nextGaussian();
            }
            double[] h = new double[IN * IN];
            for (int c = 0; c < IN; c++) {
                h[c * IN + c] = magnitude[c] * magnitude[c] * Math.PI / 2;
            }
            return new Layer(new IntGroup(bits, 128, false), magnitude, weight, new Gram(IN, 1000, h), workers);
        }

        @Override
        public Junction junction() {
            return JUNCTION;
        }

        @Override
        public List<float[]> weights() {
            return List.of(weight);
        }

        @Override
        public ChannelStatistics statistics() {
            return new ChannelStatistics(magnitude, magnitude);
        }

        @Override
        public Gram gram() {
            return h;
        }

        @Override
        public boolean quantized() {
            return true;
        }

        @Override
        public float[] rounded(int reader, float[] values) {
            WeightProblem problem = new WeightProblem("w", values, OUT, IN, null);
            return new Rtn(ClipSearch.MIN_MAX)
                    .solve(problem, format, workers)
                    .packed()
                    .decode();
        }

        @Override
        public double outputError(List<float[]> tried) {
            try (LayerLoss loss = new LayerLoss(new WeightProblem("w", weight, OUT, IN, h), h, workers)) {
                return loss.absolute(tried.getFirst()) / OUT;
            }
        }

        @Override
        public double moduleError(List<float[]> tried) {
            throw new AssertionError("one reader of an MLP has no module");
        }

        /** The error with these scales. */
        double error(double[] s) {
            float[] scaled = new float[weight.length];
            for (int i = 0; i < scaled.length; i++) {
                scaled[i] = (float) (weight[i] * s[i % IN]);
            }
            float[] back = rounded(0, scaled).clone();
            for (int i = 0; i < back.length; i++) {
                back[i] = (float) (back[i] / s[i % IN]);
            }
            return outputError(List.of(back));
        }
    }

    private static double[] ones() {
        double[] ones = new double[IN];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static double[] outliers() {
        double[] magnitude = ones();
        magnitude[3] = magnitude[100] = magnitude[200] = 40;
        return magnitude;
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 4})
    void fewLoudChannelsCostSeveralTimesLess(int bits) {
        try (Workers workers = new Workers(2)) {
            Layer layer = Layer.of(bits, outliers(), workers);
            double[] s = new AwqScale(20, false, Inspect.MODULE).scales(layer).orElseThrow();
            assertThat(layer.error(s)).isLessThan(layer.error(ones()) / 3);
            double alpha = Math.log(s[3] / s[0]) / Math.log(40);
            assertThat(alpha).isBetween(0.2, 0.6);
            assertThat(Arrays.stream(s).max().orElseThrow()
                            * Arrays.stream(s).min().orElseThrow())
                    .isCloseTo(1, within(1e-9));
        }
    }

    @Test
    void inputsTimesAConstantChangeNothing() {
        try (Workers workers = new Workers(2)) {
            AwqScale method = new AwqScale(20, false, Inspect.LINEAR);
            double[] louder = outliers();
            for (int c = 0; c < IN; c++) {
                louder[c] *= 8;
            }
            double[] s = method.scales(Layer.of(3, outliers(), workers)).orElseThrow();
            assertThat(method.scales(Layer.of(3, louder, workers)).orElseThrow())
                    .containsExactly(s, within(1e-9));
        }
    }

    @Test
    void equalChannelsAreLeftAlone() {
        try (Workers workers = new Workers(2)) {
            Optional<double[]> s = new AwqScale(20, true, Inspect.LINEAR).scales(Layer.of(3, ones(), workers));
            assertThat(s).isEmpty();
        }
    }

    @Test
    void channelsThatNeverMoveKeepTheirScale() {
        double[] mean = {0, 1, 4, 0, 16};
        double[] s = AwqScale.candidate(mean, 0.5);
        assertThat(s).containsExactly(new double[] {1, 0.5, 1, 1, 2}, within(1e-12));
    }

    @Test
    void headsThatShareValuesAreSkipped() {
        AwqScale method = new AwqScale(20, false, Inspect.MODULE);
        LinearSite v = new LinearSite("b.v.weight", 4, 8, false, false);
        LinearSite o = new LinearSite("b.o.weight", 8, 8, false, false);
        Junction shared =
                new Junction(1, 8, new Junction.LinearOutput(v, new int[] {0, 1, 0, 1, 2, 3, 2, 3}), List.of(o));
        assertThat(method.handles(shared)).isFalse();
        Junction own = new Junction(1, 4, new Junction.LinearOutput(v, new int[] {0, 1, 2, 3}), List.of(o));
        assertThat(method.handles(own)).isTrue();
    }
}
