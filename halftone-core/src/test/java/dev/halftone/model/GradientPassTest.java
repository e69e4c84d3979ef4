package dev.halftone.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.TinyModel;
import dev.halftone.format.ModelFile;
import dev.halftone.model.GradientPass.Fold;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GradientPassTest {
    private static final float STEP = 0.02f;

    @TempDir
    private Path directory = Path.of("");

    private static int[] ids(long seed, int count) {
        return RandomGeneratorFactory.of("L64X128MixRandom")
                .create(seed)
                .ints(count, 0, TinyModel.VOCABULARY)
                .toArray();
    }

    private Map<String, float[]> gradients(ModelFile model, List<int[]> sequences) {
        Map<String, float[]> found = new TreeMap<>();
        try (Workers workers = new Workers(2);
                Decoder decoder = model.decoder(Compute.FLOAT32);
                GradientPass pass = new GradientPass(
                        decoder,
                        sequences,
                        GradientPass.nextToken(decoder, sequences),
                        Spill.large(directory),
                        workers)) {
            pass.run(Fold.MAGNITUDES, (site, magnitudes) -> found.put(site.weight(), magnitudes));
        }
        return found;
    }

    private static double loss(ModelFile model, WeightSource weights, int[] ids) {
        double[] loss = new double[1];
        try (Decoder decoder = new Decoder(model.spec(), weights, Compute.FLOAT32, "test")) {
            Torch.inScope(() -> {
                int[] next = new int[ids.length - 1];
                System.arraycopy(ids, 1, next, 0, next.length);
                loss[0] = torch.cross_entropy_loss(
                                Tensors.slice(decoder.forward(ids, SiteObserver.NONE), 0, 0, next.length),
                                Tensors.of(next))
                        .item_double();
            });
        }
        return loss[0];
    }

    private static float[] weight(ModelFile model, LinearSite site) {
        float[][] values = new float[1][];
        try (Arena arena = Arena.ofConfined()) {
            Torch.inScope(() -> values[0] = Tensors.floats(site.load(model.weights(), ComputeType.FLOAT32, arena)));
        }
        return values[0];
    }

    @Test
    void theyAreTheSlopesOfTheLoss() throws IOException {
        Path path = TinyModel.write(directory.resolve("tiny"), 1);
        int[] ids = ids(2, 24);
        try (ModelFile model = ModelFile.open(path)) {
            Map<String, float[]> found = gradients(model, List.of(ids));
            List<LinearSite> sites = Decoder.linears(model.spec());
            assertThat(found).hasSize(sites.size());
            RandomGenerator random =
                    RandomGeneratorFactory.of("L64X128MixRandom").create(3);
            for (LinearSite site : sites) {
                float[] magnitudes = of(found, site.weight());
                float most = 0;
                int at = 0;
                for (int i = 0; i < magnitudes.length; i++) {
                    at = magnitudes[i] > most ? i : at;
                    most = Math.max(most, magnitudes[i]);
                }
                for (int place : new int[] {at, random.nextInt(magnitudes.length)}) {
                    double slope =
                            Math.abs(moved(model, site, ids, place, STEP) - moved(model, site, ids, place, -STEP))
                                    / (2 * STEP);
                    assertThat((double) magnitudes[place])
                            .as(site.weight())
                            .isCloseTo(slope, within(0.02 * most + 1e-4));
                }
            }
        }
    }

    private static float[] of(Map<String, float[]> gradients, String weight) {
        return Objects.requireNonNull(gradients.get(weight), weight);
    }

    private static double moved(ModelFile model, LinearSite site, int[] ids, int place, float step) {
        EditedWeights weights = new EditedWeights(model.weights());
        float[] w = weight(model, site);
        w[place] += step;
        weights.set(site, w);
        return loss(model, weights, ids);
    }

    @Test
    void ofSeveralSequencesMagnitudesAreAdded() throws IOException {
        Path path = TinyModel.write(directory.resolve("tiny"), 4);
        try (ModelFile model = ModelFile.open(path)) {
            Map<String, float[]> one = gradients(model, List.of(ids(5, 16)));
            Map<String, float[]> other = gradients(model, List.of(ids(6, 20)));
            Map<String, float[]> both = gradients(model, List.of(ids(5, 16), ids(6, 20)));
            both.forEach((name, sum) -> {
                for (int i = 0; i < sum.length; i++) {
                    assertThat(sum[i]).isCloseTo(of(one, name)[i] + of(other, name)[i], within(1e-6f));
                }
            });
            assertThat(gradients(model, List.of(ids(5, 16))))
                    .allSatisfy((name, again) -> assertThat(again).isEqualTo(of(one, name)));
        }
    }
}
