package dev.halftone.checkpoint;

import static dev.halftone.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsCheckpointTest {
    private static final String ONE = "model-00001-of-00002.safetensors";
    private static final String TWO = "model-00002-of-00002.safetensors";
    private static final String MAP =
            "{\"metadata\":{\"total_size\":3},\"weight_map\":{\"a\":\"%s\",\"b\":\"%s\",\"c\":\"%s\"}}"
                    .formatted(TWO, ONE, ONE);

    @TempDir
    private Path directory;

    private void write(String name, String text) throws IOException {
        Files.writeString(directory.resolve(name), text);
    }

    /** Tensors of one byte each, in this order. */
    private void shard(String name, String... tensors) {
        StringBuilder header = new StringBuilder("{");
        for (int i = 0; i < tensors.length; i++) {
            header.append("\"%s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]},"
                    .formatted(tensors[i], i, i + 1));
        }
        header.setCharAt(header.length() - 1, '}');
        byte[] data = new byte[tensors.length];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) tensors[i].charAt(0);
        }
        Bytes.safetensors(header.toString(), data).write(directory.resolve(name));
    }

    private void writeSharded(String index) throws IOException {
        write("config.json", "{\"model_type\":\"llama\",\"time_step_limit\":[0.0,Infinity]}");
        write("model.safetensors.index.json", index);
        shard(ONE, "c", "b", "a");
        shard(TWO, "a");
    }

    @Test
    void opens_a_single_file_with_its_config() throws IOException {
        write("config.json", "{\"model_type\":\"llama\"}");
        shard("model.safetensors", "b", "a");
        try (Checkpoint checkpoint = Checkpoints.open(directory)) {
            assertThat(checkpoint.format()).isEqualTo("safetensors");
            assertThat(checkpoint.path()).isEqualTo(directory);
            assertThat(checkpoint.names()).containsExactly("b", "a");
            assertThat(checkpoint.files()).containsExactly(directory.resolve("model.safetensors"));
            assertThat(checkpoint.config().get("model_type").stringValue()).isEqualTo("llama");
            assertThat(checkpoint.warnings()).isEmpty();
            assertRefused("HT-230", "no tensor x", () -> checkpoint.tensor("x"));
        }
    }

    @Test
    void takes_the_index_as_the_truth_and_says_what_it_left_out() throws IOException {
        writeSharded(MAP);
        try (Checkpoint checkpoint = Checkpoints.open(directory)) {
            assertThat(checkpoint.names()).containsExactly("c", "b", "a");
            assertThat(checkpoint.files()).containsExactly(directory.resolve(ONE), directory.resolve(TWO));
            assertThat(TensorBytes.decode(checkpoint.tensor("a"))).containsExactly('a');
            assertThat(checkpoint.warnings()).singleElement().asString().contains(ONE, ": a is not in the index");
        }
    }

    @Test
    void refuses_an_incomplete_directory() throws IOException {
        assertRefused("HT-231", "no such file", () -> Checkpoints.open(directory.resolve("x")));
        assertRefused("HT-233", "no config.json", () -> Checkpoints.open(directory));
        write("config.json", "{\"a\":");
        assertRefused("HT-234", "not JSON", () -> Checkpoints.open(directory));
        write("config.json", "[]");
        assertRefused("HT-234", "not a JSON object", () -> Checkpoints.open(directory));
        write("config.json", "");
        assertRefused("HT-234", "not a JSON object", () -> Checkpoints.open(directory));
        write("config.json", "[".repeat(100_000));
        assertRefused("HT-234", "not JSON", () -> Checkpoints.open(directory));
        write("config.json", "{\"a\":1,\"a\":2}");
        assertRefused("HT-234", "not JSON", () -> Checkpoints.open(directory));
        write("config.json", "{}");
        assertRefused("HT-235", "neither", () -> Checkpoints.open(directory));
        assertRefused("HT-232", "neither a model", () -> Checkpoints.open(directory.resolve("config.json")));
        shard("model.safetensors", "a");
        assertRefused("HT-232", "name the directory", () -> Checkpoints.open(directory.resolve("model.safetensors")));
        Files.delete(directory.resolve("model.safetensors"));
        Files.createDirectory(directory.resolve("model.safetensors"));
        assertRefused("HT-244", "directory", () -> Checkpoints.open(directory));
    }

    @Test
    void refuses_an_index_that_does_not_fit_its_shards() throws IOException {
        writeSharded("{}");
        assertRefused("HT-236", "weight_map", () -> Checkpoints.open(directory));
        writeSharded("nonsense");
        assertRefused("HT-236", "not JSON", () -> Checkpoints.open(directory));
        writeSharded("{\"weight_map\":{}}");
        assertRefused("HT-236", "no tensor", () -> Checkpoints.open(directory));
        writeSharded("{\"weight_map\":{\"a\":1}}");
        assertRefused("HT-236", "not a string", () -> Checkpoints.open(directory));
        writeSharded(MAP.replace(TWO, "model-00003-of-00002.safetensors"));
        assertRefused("HT-237", "missing", () -> Checkpoints.open(directory));
        for (String name : new String[] {"../x", "/x", "a/b", "a\\\\b", "..", "", "C:x", "a\\u0000"}) {
            writeSharded(MAP.replace(TWO, name));
            assertRefused("HT-238", "plain file name", () -> Checkpoints.open(directory));
        }
        writeSharded(MAP.replace("\"a\"", "\"z\""));
        assertRefused("HT-239", "z should be in " + TWO, () -> Checkpoints.open(directory));
        writeSharded(MAP);
        write(TWO, "x");
        assertRefused("HT-200", TWO, () -> Checkpoints.open(directory));
    }
}
