package dev.halftone.checkpoint;

import static dev.halftone.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

class GgufFileTest {
    private static final int F32 = 0;
    private static final int Q8_0 = 8;

    @TempDir
    private Path directory;

    private GgufFile open(Bytes bytes) {
        return GgufFile.open(bytes.write(directory.resolve("t.gguf")));
    }

    private void assertOpenRefused(String code, String words, Bytes bytes) {
        assertRefused(code, words, () -> open(bytes));
    }

    @Test
    void reads_the_golden_file_of_the_python_writer() throws Exception {
        byte[] bytes = Files.readAllBytes(Bytes.resource("golden.gguf"));
        assertThat(bytes).hasSize(416);
        assertThat(TensorBytes.crc(bytes)).isEqualTo(0x9df29cf4L);
        try (GgufFile file = GgufFile.open(Bytes.resource("golden.gguf"))) {
            Map<String, Object> metadata = file.metadata();
            assertThat(metadata.keySet())
                    .containsExactly("general.architecture", "a.u32", "a.f32", "a.b", "a.s", "a.i");
            assertThat(metadata)
                    .containsEntry("general.architecture", "llama")
                    .containsEntry("a.u32", 7L)
                    .containsEntry("a.f32", 1.5f)
                    .containsEntry("a.b", true)
                    .containsEntry("a.s", List.of("x", "yz"));
            assertThat((int[]) metadata.get("a.i")).containsExactly(1, -1);
            assertThat(file.names()).containsExactly("t", "q");
            assertThat(file.tensor("t").shape()).containsExactly(2, 3);
            assertThat(TensorBytes.decode(file.tensor("t"))).containsExactly(0, 1, 2, 3, 4, 5);
            assertThat(TensorBytes.decode(file.tensor("t"), 1, 2)).containsExactly(3, 4, 5);
            assertThat(file.tensor("q").byteSize()).isEqualTo(34);
        }
    }

    @Test
    void gives_metadata_of_every_type_a_java_value_that_holds_it() {
        try (GgufFile file = GgufFile.open(Bytes.resource("metadata.gguf"))) {
            Map<String, Object> one = new TreeMap<>(file.metadata());
            one.keySet().removeIf(key -> !key.startsWith("one."));
            assertThat(one)
                    .containsExactlyInAnyOrderEntriesOf(Map.ofEntries(
                            Map.entry("one.UINT8", 200),
                            Map.entry("one.INT8", -5),
                            Map.entry("one.UINT16", 65000),
                            Map.entry("one.INT16", -300),
                            Map.entry("one.UINT32", 4_000_000_000L),
                            Map.entry("one.INT32", -70000),
                            Map.entry("one.FLOAT32", 0.1f),
                            Map.entry("one.BOOL", false),
                            Map.entry("one.UINT64", new BigInteger("18446744073709551614")),
                            Map.entry("one.INT64", -(1L << 40)),
                            Map.entry("one.FLOAT64", 0.1),
                            Map.entry("one.STRING", "\u00e4\u6f22\ud83d\ude00")));
            assertThat((int[]) file.metadata().get("two.UINT8")).containsExactly(200, 200);
            assertThat((int[]) file.metadata().get("two.INT8")).containsExactly(-5, -5);
            assertThat((int[]) file.metadata().get("two.UINT16")).containsExactly(65000, 65000);
            assertThat((int[]) file.metadata().get("two.INT16")).containsExactly(-300, -300);
            assertThat((long[]) file.metadata().get("two.UINT32")).containsExactly(4_000_000_000L, 4_000_000_000L);
            assertThat((int[]) file.metadata().get("two.INT32")).containsExactly(-70000, -70000);
            assertThat((float[]) file.metadata().get("two.FLOAT32")).containsExactly(0.1f, 0.1f);
            assertThat((boolean[]) file.metadata().get("two.BOOL")).containsExactly(false, false);
            assertThat((long[]) file.metadata().get("two.UINT64")).containsExactly(-2, -2);
            assertThat((long[]) file.metadata().get("two.INT64")).containsExactly(-(1L << 40), -(1L << 40));
            assertThat((double[]) file.metadata().get("two.FLOAT64")).containsExactly(0.1, 0.1);
        }
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"Q8_1", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ3_S", "IQ2_S", "IQ1_M", "Q1_0", "Q2_0"
            })
    void decodes_random_blocks_bit_for_bit_as_the_python_reader_does(GgufType type) {
        try (GgufFile file = GgufFile.open(Bytes.resource("blocks.gguf"));
                SafetensorsFile expected = SafetensorsFile.open(Bytes.resource("blocks.expected.safetensors"))) {
            StoredTensor tensor = file.tensor(type.name());
            assertThat(tensor.type()).isEqualTo(type.name());
            int[] bits = bits(TensorBytes.decode(tensor));
            assertThat(bits).isEqualTo(bits(TensorBytes.decode(expected.tensor(type.name()))));
            assertThat(bits(TensorBytes.decode(tensor, 2, 3)))
                    .isEqualTo(Arrays.copyOfRange(bits, bits.length / 3 * 2, bits.length));
        }
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
        return bits;
    }

    @ParameterizedTest
    @EnumSource(
            names = {"Q8_1", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ3_S", "IQ2_S", "IQ1_M", "Q1_0", "Q2_0"
            })
    void names_the_types_it_cannot_read(GgufType type) {
        assertOpenRefused(
                "HT-228",
                "type " + type,
                Bytes.gguf(1, 0).tensor("t", type.id(), 0, 256).pad(32).zeros(1000));
    }

    @Test
    void ignores_trailing_dimensions_of_one_and_takes_other_alignments_and_version_2() {
        Bytes bytes = new Bytes()
                .raw((byte) 'G', (byte) 'G', (byte) 'U', (byte) 'F')
                .u32(2)
                .u64(2)
                .u64(1);
        bytes.key("general.alignment", 64).tensor("a", F32, 0, 2, 1, 1, 1).tensor("b", F32, 64, 1, 2, 3, 1);
        try (GgufFile file = open(bytes.pad(64).f32(1, 2).pad(64).f32(3, 4, 5, 6, 7, 8))) {
            assertThat(file.tensor("a").shape()).containsExactly(2);
            assertThat(file.tensor("b").shape()).containsExactly(3, 2, 1);
            assertThat(file.tensor("b").rows()).isEqualTo(6);
            assertThat(TensorBytes.decode(file.tensor("b"), 4, 6)).containsExactly(7, 8);
        }
    }

    @Test
    void refuses_files_of_other_kinds_and_versions() throws Exception {
        assertOpenRefused("HT-220", "GGUF", new Bytes());
        assertOpenRefused("HT-220", "GGUF", new Bytes().raw((byte) 'G', (byte) 'G', (byte) 'U'));
        assertOpenRefused("HT-220", "GGUF", new Bytes().u64(0).u64(0));
        byte[] bytes = Bytes.gguf(0, 0).toArray();
        bytes[4] = 1;
        assertRefused("HT-221", "version 1", () -> GgufFile.open(Bytes.write(directory.resolve("t"), bytes)));
        bytes[4] = 0;
        bytes[7] = 3;
        assertRefused("HT-221", "big-endian", () -> GgufFile.open(Bytes.write(directory.resolve("t"), bytes)));
    }

    @Test
    void refuses_counts_and_lengths_that_the_file_cannot_hold() {
        assertOpenRefused("HT-222", "tensor count", Bytes.gguf(100L << 30, 0));
        assertOpenRefused("HT-222", "18446744073709551615", Bytes.gguf(-1, 0));
        assertOpenRefused("HT-222", "key-value count", Bytes.gguf(0, 100L << 30));
        assertOpenRefused("HT-222", "key-value count", Bytes.gguf(0, 1));
        assertOpenRefused(
                "HT-222", "metadata key 0", Bytes.gguf(0, 1).u64(100L << 30).zeros(100));
        assertOpenRefused("HT-222", "metadata key 0", Bytes.gguf(0, 1).u64(-1).zeros(100));
        assertOpenRefused(
                "HT-222",
                "k needs",
                Bytes.gguf(0, 1).string("k").u32(8).u64(100L << 30).zeros(100));
        assertOpenRefused(
                "HT-222",
                "k needs",
                Bytes.gguf(0, 1).string("k").u32(9).u32(4).u64(1L << 62).zeros(100));
        assertOpenRefused(
                "HT-222",
                "k needs",
                Bytes.gguf(0, 1).string("k").u32(9).u32(8).u64(50).zeros(100));
        Bytes cut = Bytes.gguf(1, 0).tensor("t", F32, 0, 100L << 30);
        assertOpenRefused("HT-222", ": t: needs bytes 0 to", cut.pad(32).zeros(100));
        assertOpenRefused(
                "HT-222",
                "holds 4",
                Bytes.gguf(1, 0).tensor("t", F32, 0, 2).pad(32).f32(1));
        assertOpenRefused("HT-222", "holds 0", Bytes.gguf(1, 0).tensor("t", F32, 0, 2));
    }

    @Test
    void refuses_the_golden_file_cut_anywhere() throws Exception {
        byte[] golden = Files.readAllBytes(Bytes.resource("golden.gguf"));
        Path file = directory.resolve("cut.gguf");
        int endOfData = 320 + 32 + 34;
        for (int length = 0; length < endOfData; length++) {
            byte[] cut = Arrays.copyOf(golden, length);
            assertRefused(length < 4 ? "HT-220" : "HT-222", "", () -> GgufFile.open(Bytes.write(file, cut)));
        }
        GgufFile.open(Bytes.write(file, Arrays.copyOf(golden, endOfData))).close();
    }

    @Test
    void refuses_malformed_metadata() {
        assertOpenRefused(
                "HT-223",
                "UTF-8",
                Bytes.gguf(0, 1).u64(1).raw((byte) 0xFF).u32(0).zeros(9));
        assertOpenRefused("HT-223", "NUL", Bytes.gguf(0, 1).string("a\0").u32(0).zeros(9));
        assertOpenRefused(
                "HT-224", "value type 13", Bytes.gguf(0, 1).string("k").u32(13).zeros(9));
        assertOpenRefused(
                "HT-224",
                "value type 4294967295",
                Bytes.gguf(0, 1).string("k").u32(9).u32(-1).zeros(9));
        assertOpenRefused(
                "HT-224",
                "array of arrays",
                Bytes.gguf(0, 1).string("k").u32(9).u32(9).u64(0));
        assertOpenRefused(
                "HT-224",
                "bool of value 2",
                Bytes.gguf(0, 1).string("k").u32(7).raw((byte) 2).zeros(9));
        assertOpenRefused(
                "HT-225", "key k occurs twice", Bytes.gguf(0, 2).key("k", 1).key("k", 2));
        for (int alignment : new int[] {0, 3, 48, -1, 1 << 31}) {
            assertOpenRefused("HT-226", "power of two", Bytes.gguf(0, 1).key("general.alignment", alignment));
        }
        assertOpenRefused(
                "HT-226", "expected a power of two (u32)", Bytes.gguf(0, 1).key("general.alignment", "32"));
    }

    @Test
    void refuses_malformed_tensor_infos() {
        Bytes twice = Bytes.gguf(2, 0).tensor("t", F32, 0, 1).tensor("t", F32, 32, 1);
        assertOpenRefused("HT-225", "tensor name t occurs twice", twice.pad(32).zeros(64));
        assertOpenRefused(
                "HT-227", "0 dimensions", Bytes.gguf(1, 0).tensor("t", F32, 0).zeros(64));
        assertOpenRefused(
                "HT-227",
                "5 dimensions",
                Bytes.gguf(1, 0).tensor("t", F32, 0, 1, 1, 1, 1, 1).zeros(64));
        assertOpenRefused(
                "HT-227",
                "18446744073709551615",
                Bytes.gguf(1, 0).tensor("t", F32, 0, -1).zeros(64));
        assertOpenRefused(
                "HT-227",
                "block of 32",
                Bytes.gguf(1, 0).tensor("t", Q8_0, 0, 33).zeros(64));
        assertOpenRefused(
                "HT-227",
                "2^62",
                Bytes.gguf(1, 0).tensor("t", F32, 0, 1L << 40, 1L << 40).zeros(64));
        assertOpenRefused(
                "HT-227", "2^62", Bytes.gguf(1, 0).tensor("t", F32, 0, 1L << 61).zeros(64));
        assertOpenRefused(
                "HT-228",
                "unknown tensor type 99",
                Bytes.gguf(1, 0).tensor("t", 99, 0, 1).zeros(64));
        assertOpenRefused(
                "HT-228",
                "unknown tensor type 4294967295",
                Bytes.gguf(1, 0).tensor("t", -1, 0, 1).zeros(64));
        assertOpenRefused(
                "HT-228",
                "unknown tensor type 4",
                Bytes.gguf(1, 0).tensor("t", 4, 0, 32).zeros(64));
        assertOpenRefused(
                "HT-229", "expected 0", Bytes.gguf(1, 0).tensor("t", F32, 32, 1).zeros(64));
        Bytes overlap = Bytes.gguf(2, 0).tensor("a", F32, 0, 1).tensor("b", F32, 0, 1);
        assertOpenRefused(
                "HT-229", ": b: offset 0, expected 32", overlap.pad(32).zeros(64));
    }
}
