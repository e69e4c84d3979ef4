package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.FamilyFixtures;
import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.evaluate.SentenceSimilarity;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.SiteObserver;
import dev.halftone.recipe.QuantizationResult.Evidence;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** BERT: hidden values as transformers', the pipeline, and sentence embeddings as the measure. */
class EncoderPipelineTest {
    @TempDir
    private Path temporary = Path.of("");

    @Test
    void hiddenValuesEqualTheReferenceImplementation() {
        Path directory = FamilyFixtures.directory("bert");
        try (SafetensorsFile expected = SafetensorsFile.open(directory.resolve("expected.safetensors"));
                ModelFile file = ModelFile.open(directory);
                Decoder decoder = file.decoder(Compute.FLOAT32)) {
            float[] values = floats(expected.tensor("ids"));
            int[] ids = new int[values.length];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = (int) values[i];
            }
            float[] hidden = floats(expected.tensor("hidden"));
            float[][] actual = new float[1][];
            Torch.inScope(() -> actual[0] = Tensors.floats(decoder.hidden(ids)));
            assertThat(actual[0]).hasSameSizeAs(hidden);
            for (int i = 0; i < hidden.length; i++) {
                assertThat(actual[0][i]).isCloseTo(hidden[i], within(1e-4f));
            }
            assertThatThrownBy(() -> Torch.inScope(() -> decoder.forward(ids, SiteObserver.NONE)))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("HT-712");
        }
    }

    @Test
    void everyLinearIsSolvedAndEmbeddingsStayNear() throws IOException {
        Path model = FamilyFixtures.withTokenizer("bert", temporary.resolve("bert"));
        SentenceSimilarity four = quantized(model, "gptq-w4", temporary.resolve("four"));
        SentenceSimilarity two = quantized(model, "gptq-w2", temporary.resolve("two"));
        SentenceSimilarity eight = quantized(model, "smoothquant-w8a8", temporary.resolve("eight"));
        assertThat(eight.cosine()).isGreaterThan(0.999).isLessThan(1);
        assertThat(four.cosine()).isGreaterThan(two.cosine()).isLessThan(eight.cosine());
        assertThat(four.lowest()).isLessThanOrEqualTo(four.cosine());
        assertThat(eight.pairCorrelation()).isGreaterThan(two.pairCorrelation());
    }

    private SentenceSimilarity quantized(Path model, String recipe, Path out) throws IOException {
        Evidence evidence = FamilyPipelineTest.quantize(model, recipe, out, temporary);
        try (ModelFile file = ModelFile.open(out);
                ModelFile original = ModelFile.open(model);
                Decoder decoder = file.decoder(Compute.FLOAT32);
                Decoder reference = original.decoder(Compute.FLOAT32);
                Workers workers = new Workers(2)) {
            assertThat(evidence.sites()).hasSameSizeAs(Decoder.linears(file.spec()));
            Random random = new Random(4);
            List<int[]> sentences = IntStream.range(0, 40)
                    .mapToObj(_ -> random.ints(4 + random.nextInt(8), 0, 32).toArray())
                    .toList();
            return SentenceSimilarity.of(decoder, reference, sentences, workers);
        }
    }

    private static float[] floats(StoredTensor tensor) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment decoded = arena.allocate(tensor.elements() * Float.BYTES);
            tensor.decode(0, tensor.rows(), decoded);
            return decoded.toArray(ValueLayout.JAVA_FLOAT);
        }
    }
}
