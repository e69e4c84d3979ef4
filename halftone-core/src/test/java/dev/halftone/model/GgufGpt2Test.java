package dev.halftone.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.Checkpoints;
import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.format.KeptTensor;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The decoder-families fixture gpt2, written as GGUF by tools/fixtures/gguf_gpt2.py. */
class GgufGpt2Test {
    private static final Path SAFETENSORS =
            Path.of(System.getProperty("halftone.shared", "../../shared"), "fixtures", "decoder-families", "gpt2");

    private static Path resource(String name) throws URISyntaxException {
        return Path.of(Objects.requireNonNull(GgufGpt2Test.class.getResource("/checkpoint/" + name))
                .toURI());
    }

    @Test
    void logitsEqualThoseOfTheSafetensorsModel() throws URISyntaxException {
        try (SafetensorsFile expected = SafetensorsFile.open(resource("gpt2.expected.safetensors"));
                Checkpoint checkpoint = Checkpoints.open(resource("gpt2.gguf"));
                Decoder decoder = new Decoder(
                        Families.read(checkpoint.config(), checkpoint.names(), "gpt2.gguf"),
                        new CheckpointWeights(checkpoint),
                        Compute.FLOAT32,
                        "gpt2.gguf")) {
            float[] ids = floats(expected.tensor("ids"));
            int[] tokens = new int[ids.length];
            for (int i = 0; i < ids.length; i++) {
                tokens[i] = (int) ids[i];
            }
            float[] logits = floats(expected.tensor("logits"));
            Torch.inScope(() -> {
                float[] actual = Tensors.floats(decoder.forward(tokens, SiteObserver.NONE));
                assertThat(actual).hasSameSizeAs(logits);
                for (int i = 0; i < logits.length; i++) {
                    assertThat(actual[i]).isCloseTo(logits[i], within(1e-4f));
                }
            });
            assertThat(decoder.spec().embedding().tied()).isTrue();
        }
    }

    @Test
    void everyTensorIsThatOfTheSafetensorsModelBitForBit() throws URISyntaxException {
        assumeTrue(Files.isDirectory(SAFETENSORS), () -> "no fixture at " + SAFETENSORS);
        try (Checkpoint gguf = Checkpoints.open(resource("gpt2.gguf"));
                Checkpoint safetensors = Checkpoints.open(SAFETENSORS);
                Arena arena = Arena.ofConfined()) {
            assertThat(gguf.names()).containsExactlyInAnyOrderElementsOf(safetensors.names());
            for (String name : gguf.names()) {
                StoredTensor tensor = gguf.tensor(name);
                assertThat(tensor.shape())
                        .as(name)
                        .isEqualTo(safetensors.tensor(name).shape());
                assertThat(floats(tensor)).as(name).isEqualTo(floats(safetensors.tensor(name)));
                MemorySegment kept = KeptTensor.plain(tensor, arena).bytes();
                assertThat(kept.mismatch(safetensors.tensor(name).bytes()))
                        .as(name)
                        .isEqualTo(-1);
            }
            DecoderSpec read = Families.read(gguf.config(), gguf.names(), "gpt2.gguf");
            DecoderSpec wanted = Families.read(safetensors.config(), safetensors.names(), "gpt2");
            assertThat(read.attention()).isEqualTo(wanted.attention());
            assertThat(read.names()).isEqualTo(wanted.names());
            assertThat(read.mlp()).isEqualTo(wanted.mlp());
            assertThat(read.contextLength()).isEqualTo(wanted.contextLength());
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
