package dev.halftone.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.halftone.checkpoint.SafetensorsWriter.Declaration;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {
    @TempDir
    private Path directory;

    private List<String> filesLeft() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    @Test
    void writes_the_golden_file() throws IOException {
        Map<String, String> hex = Map.of("b.weight", "0100000002000000", "a.weight", "803f00c0", "e", "", "c", "07");
        Path file = directory.resolve("golden.safetensors");
        SafetensorsWriter.write(
                file,
                Map.of("format", "pt"),
                List.of(
                        Declaration.of("b.weight", SafetensorsDtype.I32, 2),
                        Declaration.of("a.weight", SafetensorsDtype.BF16, 1, 2),
                        Declaration.of("e", SafetensorsDtype.F32, 0, 3),
                        Declaration.of("c", SafetensorsDtype.U8)),
                (tensor, sink) -> sink.write(
                        MemorySegment.ofArray(HexFormat.of().parseHex(hex.getOrDefault(tensor.name(), "")))));
        byte[] bytes = Files.readAllBytes(file);
        assertThat(bytes).hasSize(285);
        assertThat(TensorBytes.crc(bytes)).isEqualTo(0x38ef4404L);
        assertThat(new String(bytes, 8, 264, StandardCharsets.UTF_8))
                .startsWith("{\"__metadata__\":{\"format\":\"pt\"},\"e\":{\"dtype\":\"F32\",\"shape\":[0,3],");
        assertThat(filesLeft()).containsExactly("golden.safetensors");
    }

    @Test
    void writes_every_dtype_and_awkward_name_as_the_reference_library_does() throws IOException {
        for (String name :
                List.of("dtypes.safetensors", "dtypes.expected.safetensors", "blocks.expected.safetensors")) {
            Path copy = directory.resolve(name);
            try (SafetensorsFile original = SafetensorsFile.open(Bytes.resource(name))) {
                List<Declaration> declarations = original.names().stream()
                        .map(original::tensor)
                        .map(t -> Declaration.of(t.name(), SafetensorsDtype.valueOf(t.type()), t.shape()))
                        .sorted((a, b) -> b.name().compareTo(a.name()))
                        .toList();
                SafetensorsWriter.write(
                        copy,
                        original.metadata(),
                        declarations,
                        (t, sink) -> sink.write(original.tensor(t.name()).bytes()));
            }
            assertThat(copy).hasSameBinaryContentAs(Bytes.resource(name));
        }
    }

    @Test
    void takes_pieces_from_any_kind_of_memory() throws IOException {
        float[] values = new float[700_001];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        Path file = directory.resolve("t.safetensors");
        MemorySegment all = MemorySegment.ofArray(values);
        SafetensorsWriter.write(
                file, Map.of(), List.of(Declaration.of("t", SafetensorsDtype.F32, values.length)), (_, sink) -> {
                    sink.write(all.asSlice(0, 4));
                    sink.write(all.asSlice(4, 0));
                    sink.write(all.asSlice(4));
                });
        try (SafetensorsFile read = SafetensorsFile.open(file)) {
            assertThat(TensorBytes.decode(read.tensor("t"))).isEqualTo(values);
            assertThat(read.metadata()).isEmpty();
        }
    }

    @Test
    void leaves_the_old_file_and_no_other_when_the_source_fails() throws IOException {
        Path file = Files.writeString(directory.resolve("t.safetensors"), "old");
        List<Declaration> tensors = List.of(Declaration.of("t", SafetensorsDtype.U8, 4));
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> SafetensorsWriter.write(file, Map.of(), tensors, (_, _) -> {}))
                .withMessageContaining("t: 0 bytes written, 4 declared");
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> SafetensorsWriter.write(
                        file, Map.of(), tensors, (_, sink) -> sink.write(MemorySegment.ofArray(new byte[5]))))
                .withMessageContaining("more than the declared 4 bytes");
        assertThat(filesLeft()).containsExactly("t.safetensors");
        assertThat(file).hasContent("old");
    }

    @Test
    void replaces_a_file_that_is_still_mapped_without_changing_what_its_readers_see() throws IOException {
        Path file = directory.resolve("t.safetensors");
        List<Declaration> tensors = List.of(Declaration.of("t", SafetensorsDtype.U8, 1));
        SafetensorsWriter.write(
                file, Map.of(), tensors, (_, sink) -> sink.write(MemorySegment.ofArray(new byte[] {1})));
        try (SafetensorsFile old = SafetensorsFile.open(file)) {
            SafetensorsWriter.write(
                    file, Map.of(), tensors, (_, sink) -> sink.write(MemorySegment.ofArray(new byte[] {2})));
            assertThat(TensorBytes.decode(old.tensor("t"))).containsExactly(1);
        }
        try (SafetensorsFile now = SafetensorsFile.open(file)) {
            assertThat(TensorBytes.decode(now.tensor("t"))).containsExactly(2);
        }
    }

    @Test
    void refuses_declarations_that_no_reader_would_take() {
        Declaration t = Declaration.of("t", SafetensorsDtype.U8, 1);
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> SafetensorsWriter.write(directory.resolve("x"), Map.of(), List.of(t, t), (_, _) -> {}));
        assertThatIllegalArgumentException().isThrownBy(() -> Declaration.of("__metadata__", SafetensorsDtype.U8, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> Declaration.of("t", SafetensorsDtype.F4, 3));
        assertThatIllegalArgumentException().isThrownBy(() -> Declaration.of("t", SafetensorsDtype.U8, -1));
        assertThatIllegalArgumentException().isThrownBy(() -> Declaration.of("\ud800", SafetensorsDtype.U8, 1));
    }
}
