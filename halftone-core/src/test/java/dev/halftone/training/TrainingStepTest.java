package dev.halftone.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.model.DecoderSpec;
import dev.halftone.model.Families;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingStepTest {
    private static final int SEQUENCE = 150;

    @TempDir
    private Path directory = Path.of("");

    /** 150 tokens: longer than one block of the attention. Every token gets all experts: a choice would make the loss jump. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "mistral", "qwen2", "qwen3", "opt", "gpt2", "mixtral", "qwen2_moe"})
    void gradientsEqualFiniteDifferences(String family) throws IOException {
        DecoderSpec spec = spec(family);
        try (Arena arena = Arena.ofShared();
                Workers workers = new Workers(2)) {
            Parameters parameters = parameters(spec, arena);
            TrainingStep step = new TrainingStep(spec, parameters, Compute.FLOAT32, 0, 1, workers, arena);
            List<TokenData.Batch> batch = List.of(batch(2));
            double loss = step.gradient(batch, 2).loss();
            assertThat(step.loss(batch, 2)).isCloseTo(loss, within(1e-6));
            MemorySegment gradient = step.total();
            for (Parameters.Place place : parameters.places()) {
                // Along the tensor's own gradient: the slope is its norm.
                double square = 0;
                for (long i = 0; i < place.count(); i++) {
                    double g = gradient.getAtIndex(ValueLayout.JAVA_FLOAT, place.from() + i);
                    square += g * g;
                }
                double norm = Math.sqrt(square);
                double difference = (moved(step, parameters, place, batch, 0.01 / norm)
                                - moved(step, parameters, place, batch, -0.01 / norm))
                        / 0.02;
                assertThat(difference).as(place.tensor().toString()).isCloseTo(norm, within(0.02 * norm + 2e-4));
            }
        }
    }

    private static double moved(
            TrainingStep step,
            Parameters parameters,
            Parameters.Place place,
            List<TokenData.Batch> batch,
            double length) {
        MemorySegment target = place.in(parameters.values());
        MemorySegment gradient = place.in(step.total());
        float[] before = target.toArray(ValueLayout.JAVA_FLOAT);
        for (int i = 0; i < before.length; i++) {
            target.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float)
                    (before[i] + length * gradient.getAtIndex(ValueLayout.JAVA_FLOAT, i)));
        }
        double loss = step.loss(batch, 2);
        MemorySegment.copy(before, 0, target, ValueLayout.JAVA_FLOAT, 0, before.length);
        return loss;
    }

    @Test
    void microBatchesAddUpToTheWholeBatch() throws IOException {
        DecoderSpec spec = spec("llama");
        try (Arena arena = Arena.ofShared();
                Workers workers = new Workers(2)) {
            Parameters parameters = parameters(spec, arena);
            TokenData.Batch batch = batch(4);
            TrainingStep whole = new TrainingStep(spec, parameters, Compute.FLOAT32, 0, 1, workers, arena);
            TrainingStep parts = new TrainingStep(spec, parameters, Compute.FLOAT32, 0, 4, workers, arena);
            List<TokenData.Batch> single = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int from = i * SEQUENCE;
                single.add(new TokenData.Batch(
                        Arrays.copyOfRange(batch.inputs(), from, from + SEQUENCE),
                        Arrays.copyOfRange(batch.targets(), from, from + SEQUENCE)));
            }
            TrainingStep.Result a = whole.gradient(List.of(batch), 4);
            TrainingStep.Result b = parts.gradient(single, 1);
            assertThat(b.loss()).isCloseTo(a.loss(), within(1e-5));
            assertThat(b.norm()).isCloseTo(a.norm(), within(1e-4 * a.norm()));
            float[] first = whole.total().toArray(ValueLayout.JAVA_FLOAT);
            assertThat(parts.total().toArray(ValueLayout.JAVA_FLOAT))
                    .usingComparatorWithPrecision(1e-5f)
                    .containsExactly(first);
        }
    }

    /** 1 where all experts get the same, their number where one gets everything. */
    @Test
    void theBalanceLossIsSmallestWhereAllExpertsGetTheSame() throws IOException {
        DecoderSpec.Experts experts =
                Objects.requireNonNull(spec("mixtral").mlp().experts());
        Torch.inScope(() -> {
            int count = experts.count();
            assertThat(count).isEqualTo(experts.perToken());
            Tensor even = Tensors.of(new float[] {0.5f, 0.5f, 0.5f, 0.5f}, 2, 2);
            assertThat(BalanceLoss.of(even, experts).item_double()).isCloseTo(1, within(1e-6));
        });
        DecoderSpec.Experts one =
                new DecoderSpec.Experts(2, 1, 8, true, 1, 0, List.of(true), "r", "e.%d", "g", "u", "d", "", "");
        Torch.inScope(() -> {
            Tensor first = Tensors.of(new float[] {0.9f, 0.1f, 0.9f, 0.1f}, 2, 2);
            assertThat(BalanceLoss.of(first, one).item_double()).isCloseTo(1.8, within(1e-6));
            Tensor each = Tensors.of(new float[] {0.9f, 0.1f, 0.1f, 0.9f}, 2, 2);
            assertThat(BalanceLoss.of(each, one).item_double()).isCloseTo(1, within(1e-6));
        });
    }

    @Test
    void balancingChangesTheGradientOfTheRouterAndNotTheLoss() throws IOException {
        DecoderSpec spec = spec("mixtral", 4);
        try (Arena arena = Arena.ofShared();
                Workers workers = new Workers(1)) {
            Parameters parameters = parameters(spec, arena);
            List<TokenData.Batch> batch = List.of(batch(2));
            TrainingStep plain = new TrainingStep(spec, parameters, Compute.FLOAT32, 0, 1, workers, arena);
            TrainingStep balanced = new TrainingStep(spec, parameters, Compute.FLOAT32, 1, 1, workers, arena);
            assertThat(balanced.gradient(batch, 2).loss())
                    .isEqualTo(plain.gradient(batch, 2).loss());
            for (Parameters.Place place : parameters.places()) {
                if (place.tensor().name().endsWith("moe.gate.weight")) {
                    assertThat(place.in(balanced.total()).mismatch(place.in(plain.total())))
                            .isNotNegative();
                }
            }
        }
    }

    @Test
    void adamWFollowsItsFormula() {
        try (Arena arena = Arena.ofShared();
                Workers workers = new Workers(1)) {
            MemorySegment values = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 0.5f, -0.25f, 2f);
            MemorySegment gradient = arena.allocate(12, 4);
            AdamW adam = new AdamW(
                    new AdamW.Options(0.9, 0.99, 1e-8, 0.1),
                    List.of(new Optimizer.Piece(0, 2, true), new Optimizer.Piece(2, 1, false)),
                    arena);
            double[] w = {0.5, -0.25, 2};
            double[] m = new double[3];
            double[] v = new double[3];
            SplittableRandom random = new SplittableRandom(5);
            for (int t = 1; t <= 4; t++) {
                for (int i = 0; i < 3; i++) {
                    float g = (float) random.nextGaussian();
                    gradient.setAtIndex(ValueLayout.JAVA_FLOAT, i, g);
                    double clipped = 0.5 * g;
                    m[i] = 0.9 * m[i] + 0.1 * clipped;
                    v[i] = 0.99 * v[i] + 0.01 * clipped * clipped;
                    boolean decayed = i < 2;
                    w[i] -= 0.01 * (decayed ? 0.1 * w[i] : 0);
                    w[i] -= 0.01 * (m[i] / (1 - Math.pow(0.9, t))) / (Math.sqrt(v[i] / (1 - Math.pow(0.99, t))) + 1e-8);
                }
                int step = t;
                List<Optimizer.Piece> pieces =
                        List.of(new Optimizer.Piece(0, 2, true), new Optimizer.Piece(2, 1, false));
                workers.forEach(2, p -> adam.update(values, gradient, pieces.get(p), 0.5, 0.01, step));
            }
            for (int i = 0; i < 3; i++) {
                assertThat((double) values.getAtIndex(ValueLayout.JAVA_FLOAT, i))
                        .isCloseTo(w[i], within(1e-5));
            }
        }
    }

    private DecoderSpec spec(String family) throws IOException {
        return spec(family, 2);
    }

    /** Two experts for each token. */
    private DecoderSpec spec(String family, int experts) throws IOException {
        TinyTraining.data(directory);
        String yaml = TinyTraining.yaml(TinyTraining.model(family), "steps: 1")
                .replace("vocabulary: 96", "vocabulary: 96, context: 150")
                .replace("experts: 4", "experts: " + experts);
        return Families.read(TinyTraining.config(directory, yaml).model(), Set.of(), family);
    }

    /** Larger than at the start of a training: attention must not be flat. */
    private static Parameters parameters(DecoderSpec spec, Arena arena) {
        Parameters parameters = new Parameters(spec, arena);
        SplittableRandom random = new SplittableRandom(11);
        for (Parameters.Place place : parameters.places()) {
            boolean gain =
                    place.tensor().shape().length == 1 && place.tensor().name().endsWith(".weight");
            for (long i = 0; i < place.count(); i++) {
                place.in(parameters.values())
                        .setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) ((gain ? 1 : 0) + 0.2 * random.nextGaussian()));
            }
        }
        return parameters;
    }

    private static TokenData.Batch batch(int sequences) {
        SplittableRandom random = new SplittableRandom(7);
        return new TokenData.Batch(
                random.ints((long) sequences * SEQUENCE, 0, 96).toArray(),
                random.ints((long) sequences * SEQUENCE, 0, 96).toArray());
    }
}
