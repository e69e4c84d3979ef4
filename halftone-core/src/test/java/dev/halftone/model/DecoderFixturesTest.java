package dev.halftone.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.Checkpoints;
import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DecoderFixturesTest {
    private static final Path FIXTURES =
            Path.of(System.getProperty("halftone.shared", "../../shared"), "fixtures", "decoder-families");

    @ParameterizedTest
    @ValueSource(
            strings = {"llama", "llama3", "llama_dynamic", "llama_linear", "llama_tied_bias", "llama_yarn", "smollm2"})
    void logitsEqualTheReferenceImplementations(String family) {
        Path directory = FIXTURES.resolve(family);
        assumeTrue(Files.isDirectory(directory), () -> "no fixture at " + directory);
        try (SafetensorsFile expected = SafetensorsFile.open(directory.resolve("expected.safetensors"));
                Checkpoint checkpoint = Checkpoints.open(directory);
                Decoder decoder = new Decoder(
                        Families.read(checkpoint.config(), family),
                        new CheckpointWeights(checkpoint),
                        ComputeType.FLOAT32,
                        family)) {
            float[] ids = floats(expected.tensor("ids"));
            int[] tokens = new int[ids.length];
            for (int i = 0; i < ids.length; i++) {
                tokens[i] = (int) ids[i];
            }
            float[] logits = floats(expected.tensor("logits"));
            List<String> sites = new ArrayList<>();
            Torch.inScope(() -> {
                float[] actual = Tensors.floats(decoder.forward(tokens, (site, value) -> sites.add(site)));
                assertThat(actual).hasSameSizeAs(logits);
                for (int i = 0; i < logits.length; i++) {
                    assertThat(actual[i]).as("logit %d", i).isCloseTo(logits[i], within(1e-4f));
                }
            });
            assertThat(sites)
                    .contains("model.layers.0.self_attn.q_proj.input", "model.layers.2.mlp.down_proj.output")
                    .doesNotHaveDuplicates();
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
