package dev.halftone.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.checkpoint.GgufWriter.Declaration;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufWriterTest {
    @TempDir
    private Path directory = Path.of("");

    private static Map<String, GgufValue> metadata() {
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", GgufValue.string("llama"));
        metadata.put("a.u32", GgufValue.u32(7));
        metadata.put("a.f32", GgufValue.f32(1.5f));
        metadata.put("a.b", GgufValue.bool(true));
        metadata.put("a.s", GgufValue.strings(List.of("x", "yz")));
        metadata.put("a.i", GgufValue.ints(new int[] {1, -1}));
        return metadata;
    }

    /** Size and check sum of the same file by the public Python package. */
    @Test
    void aFileIsThePublicWritersByteForByte() throws IOException {
        Path file = directory.resolve("golden.gguf");
        List<Declaration> tensors = List.of(
                new Declaration("t", GgufType.F32, List.of(2L, 3L)),
                new Declaration("q", GgufType.Q8_0, List.of(1L, 32L)));
        byte[] block = HexFormat.of().parseHex("08248e5d2efece9f6e3f0fdfb07f4f20f0c091603101d1a2714112e2b3835223f3c3");
        GgufWriter.write(
                file,
                metadata(),
                tensors,
                (tensor, sink) -> sink.write(
                        tensor.name().equals("t")
                                ? MemorySegment.ofArray(new float[] {0, 1, 2, 3, 4, 5})
                                : MemorySegment.ofArray(block)));
        byte[] bytes = Files.readAllBytes(file);
        assertThat(bytes).hasSize(416);
        assertThat(TensorBytes.crc(bytes)).isEqualTo(0x9df29cf4L);
    }

    @Test
    void metadataPassesThroughAReaderUnchanged() throws IOException {
        Path first = directory.resolve("first.gguf");
        Path second = directory.resolve("second.gguf");
        GgufWriter.write(first, metadata(), List.of(), (_, _) -> {});
        try (GgufFile file = GgufFile.open(first)) {
            assertThat(file.metadata()).containsEntry("a.u32", 7L).containsEntry("a.s", List.of("x", "yz"));
            GgufWriter.write(second, file.storedMetadata(), List.of(), (_, _) -> {});
        }
        assertThat(second).hasSameBinaryContentAs(first);
    }

    @Test
    void aFailedWriteLeavesNothing() throws IOException {
        Path file = directory.resolve("failed.gguf");
        List<Declaration> tensors = List.of(new Declaration("t", GgufType.F32, List.of(4L)));
        assertThatThrownBy(() -> GgufWriter.write(
                        file, metadata(), tensors, (_, sink) -> sink.write(MemorySegment.ofArray(new float[3]))))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("12 bytes written, 16 declared");
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void namesThatReadersCutOffAreRefused() {
        List<Declaration> tensors = List.of(new Declaration("n".repeat(64), GgufType.F32, List.of(4L)));
        assertThatThrownBy(() -> GgufWriter.write(directory.resolve("x"), metadata(), tensors, (_, _) -> {}))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
