package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.Checkpoints;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.checkpoint.StoredTensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ModelWriterTest {
    private static final String INDEX = "model.safetensors.index.json";

    @TempDir
    private Path directory = Path.of("");

    private static StoredPart bytes(String name, int count) {
        byte[] values = new byte[count];
        for (int i = 0; i < count; i++) {
            values[i] = (byte) (i + name.hashCode());
        }
        return new StoredPart(name, SafetensorsDtype.U8, new long[] {count}, MemorySegment.ofArray(values));
    }

    /** Sizes 60, 40 | 30 | 250, larger than the limit | 0, 100 | 1. */
    private static List<StoredPart> parts() {
        List<StoredPart> parts = new ArrayList<>();
        int[] sizes = {60, 40, 30, 250, 0, 100, 1};
        String[] names = {"model.z", "model.a", "model.norm", "huge", "empty", "full", "lm_head"};
        for (int i = 0; i < sizes.length; i++) {
            parts.add(bytes(names[i], sizes[i]));
        }
        return parts;
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void shardsHaveHuggingFacesNamesAndTheIndexSaysWhereEachTensorIs() throws IOException {
        ModelWriter.writeModel(directory, parts(), 100);
        List<String> shards = Stream.of(1, 2, 3, 4, 5)
                .map("model-%05d-of-00005.safetensors"::formatted)
                .toList();
        assertThat(files()).containsAll(shards).contains(INDEX).hasSize(6);
        JsonNode index = JsonMapper.shared().readTree(Files.readString(directory.resolve(INDEX)));
        assertThat(index.propertyNames()).containsExactly("metadata", "weight_map");
        assertThat(index.path("metadata").path("total_size").longValue()).isEqualTo(481);
        assertThat(index.path("weight_map").propertyNames())
                .containsExactly("empty", "full", "huge", "lm_head", "model.a", "model.norm", "model.z");
        int[] shardOf = {1, 1, 2, 3, 4, 4, 5};
        List<StoredPart> parts = parts();
        for (int i = 0; i < shardOf.length; i++) {
            String name = parts.get(i).name();
            String shard = shards.get(shardOf[i] - 1);
            assertThat(index.path("weight_map").path(name).stringValue()).isEqualTo(shard);
            try (SafetensorsFile file = SafetensorsFile.open(directory.resolve(shard))) {
                assertThat(file.names()).contains(name);
                assertThat(file.metadata()).containsEntry("format", "pt");
            }
        }
    }

    @Test
    void aShardedModelIsReadBackEqualAndIsTheSameBytesTwice() throws IOException {
        ModelWriter.writeModel(directory, parts(), 100);
        Files.writeString(directory.resolve("config.json"), "{}");
        try (Checkpoint checkpoint = Checkpoints.open(directory)) {
            assertThat(checkpoint.names()).hasSize(parts().size());
            for (StoredPart part : parts()) {
                StoredTensor tensor = checkpoint.tensor(part.name());
                assertThat(tensor.type()).isEqualTo("U8");
                assertThat(tensor.shape()).isEqualTo(part.shape());
                assertThat(tensor.bytes().toArray(ValueLayout.JAVA_BYTE))
                        .isEqualTo(part.bytes().toArray(ValueLayout.JAVA_BYTE));
            }
        }
        Path again = Files.createDirectory(directory.resolve("again"));
        ModelWriter.writeModel(again, parts(), 100);
        try (Stream<Path> files = Files.list(again)) {
            for (Path file : files.toList()) {
                assertThat(file).hasSameBinaryContentAs(directory.resolve(file.getFileName()));
            }
        }
    }

    @Test
    void aModelWithinTheLimitIsOneFileWithoutAnIndex() throws IOException {
        ModelWriter.writeModel(directory, parts(), 481);
        assertThat(files()).containsExactly("model.safetensors");
        Path limit = Files.createDirectory(directory.resolve("limit"));
        ModelWriter.writeModel(limit, parts(), 480);
        assertThat(limit.resolve(INDEX)).exists();
        Path empty = Files.createDirectory(directory.resolve("empty"));
        ModelWriter.writeModel(empty, List.of(bytes("nothing", 0)), 10);
        assertThat(empty.resolve("model.safetensors")).exists();
    }

    @Test
    void nothingIsLeftWhereWritingFailsInTheMiddle() throws IOException {
        List<StoredPart> parts = parts();
        StoredPart last = parts.removeLast();
        parts.add(new StoredPart(last.name(), last.dtype(), new long[] {2}, last.bytes()));
        assertThatThrownBy(() -> ModelWriter.writeModel(directory, parts, 100))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("lm_head");
        assertThat(files()).isEmpty();

        Files.createDirectory(directory.resolve(INDEX)); // a full disk at the last file looks like this
        Files.createFile(directory.resolve(INDEX).resolve("x"));
        assertThatThrownBy(() -> ModelWriter.writeModel(directory, parts(), 100))
                .isInstanceOf(IOException.class);
        assertThat(files()).containsExactly(INDEX);
    }

    @Test
    void aNameThatComesTwiceIsRefusedInTheSameAndInAnotherShard() throws IOException {
        for (long limit : new long[] {10, 1000}) {
            List<StoredPart> parts = List.of(bytes("a", 10), bytes("b", 10), bytes("a", 10));
            assertThatThrownBy(() -> ModelWriter.writeModel(directory, parts, limit))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("two tensors are called a");
            assertThat(files()).isEmpty();
        }
    }
}
