package dev.halftone.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Models that transformers wrote. */
class DecoderFamiliesTest {
    @Test
    void all_36_decoder_families_open_with_finite_weights() throws IOException {
        List<Path> models;
        try (Stream<Path> directories = Files.list(SharedFiles.find("fixtures/decoder-families"))) {
            models = directories.filter(Files::isDirectory).sorted().toList();
        }
        assertThat(models).hasSize(36);
        for (Path model : models) {
            try (Checkpoint checkpoint = Checkpoints.open(model);
                    SafetensorsFile expected = SafetensorsFile.open(model.resolve("expected.safetensors"))) {
                assertThat(checkpoint.names()).as(model.toString()).isNotEmpty();
                assertThat(checkpoint.config().has("model_type"))
                        .as(model.toString())
                        .isTrue();
                for (String name : checkpoint.names()) {
                    assertThat(TensorHealth.scan(checkpoint.tensor(name)).finite())
                            .as(name)
                            .isTrue();
                }
                assertThat(expected.names()).isNotEmpty();
            }
        }
    }
}
