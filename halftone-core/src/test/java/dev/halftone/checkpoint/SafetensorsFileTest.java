package dev.halftone.checkpoint;

import static dev.halftone.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFileTest {
    private static final String I32_2X2 = "{\"test\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}";

    @TempDir
    private Path directory;

    private SafetensorsFile open(Bytes bytes) {
        return SafetensorsFile.open(bytes.write(directory.resolve("t.safetensors")));
    }

    private void assertOpenRefused(String code, String words, Bytes bytes) {
        assertRefused(code, words, () -> open(bytes));
    }

    /** One tensor "t" with these members. */
    private static String entry(String dtype, String shape, String offsets) {
        return "{\"t\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}}".formatted(dtype, shape, offsets);
    }

    @Test
    void reads_the_minimal_file_without_padding() {
        try (SafetensorsFile file = open(Bytes.safetensors(I32_2X2, new byte[16]))) {
            StoredTensor tensor = file.tensor("test");
            assertThat(tensor.type()).isEqualTo("I32");
            assertThat(tensor.shape()).containsExactly(2, 2);
            assertThat(tensor.bytes().byteSize()).isEqualTo(16);
            assertThat(tensor.bytes().isReadOnly()).isTrue();
            assertThat(TensorBytes.decode(tensor)).containsExactly(0, 0, 0, 0);
            assertThat(file.metadata()).isEmpty();
        }
    }

    @Test
    void may_be_closed_twice() {
        SafetensorsFile file = open(Bytes.safetensors("{}"));
        file.close();
        file.close();
        assertThat(file.names()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "float64",
                "float32",
                "float16",
                "bfloat16",
                "float8_e4m3fn",
                "float8_e5m2",
                "float8_e4m3fnuz",
                "float8_e5m2fnuz",
                "float8_e8m0fnu",
                "int8",
                "uint8",
                "int16",
                "uint16",
                "int32",
                "uint32",
                "int64",
                "uint64",
                "bool"
            })
    void decodes_every_dtype_as_numpy_does(String dtype) {
        try (SafetensorsFile file = SafetensorsFile.open(Bytes.resource("dtypes.safetensors"));
                SafetensorsFile expected = SafetensorsFile.open(Bytes.resource("dtypes.expected.safetensors"))) {
            float[] values = TensorBytes.decode(file.tensor("all." + dtype));
            assertThat(values).isEqualTo(TensorBytes.decode(expected.tensor("all." + dtype)));
        }
    }

    @Test
    void maps_but_does_not_decode_packed_and_complex_types() {
        try (SafetensorsFile file = SafetensorsFile.open(Bytes.resource("dtypes.safetensors"))) {
            StoredTensor four = file.tensor("four");
            assertThat(four.elements()).isEqualTo(12);
            assertThat(four.byteSize()).isEqualTo(6);
            assertRefused("HT-218", "F4", () -> TensorBytes.decode(four));
            assertRefused("HT-218", "C64", () -> TensorBytes.decode(file.tensor("complex")));
            assertThat(file.tensor("\u00e4\u6f22\ud83d\ude00").rows()).isZero();
            assertThat(TensorBytes.decode(file.tensor("quote \" back \\ tab \t line \n bell \u0007 del \u007f")))
                    .containsExactly(2);
            assertThat(file.metadata()).containsExactly(Map.entry("format", "pt"));
        }
    }

    @Test
    void decodes_any_rows_of_a_tensor_longer_than_a_chunk() {
        int rows = 7;
        int columns = MappedTensor.CHUNK / 3;
        byte[] data = new byte[2 * rows * columns];
        for (int i = 0; i < rows * columns; i++) {
            data[2 * i + 1] = (byte) (i % 100);
            data[2 * i] = (byte) (i % 97);
        }
        String header = entry("BF16", "[7,%d]".formatted(columns), "[0,%d]".formatted(data.length));
        try (SafetensorsFile file = open(Bytes.safetensors(header, data))) {
            StoredTensor tensor = file.tensor("t");
            float[] all = TensorBytes.decode(tensor);
            for (int from = 0; from <= rows; from++) {
                for (int to = from; to <= rows; to++) {
                    assertThat(TensorBytes.decode(tensor, from, to))
                            .isEqualTo(Arrays.copyOfRange(all, from * columns, to * columns));
                }
            }
            assertThat(all[98]).isEqualTo(Float.intBitsToFloat(98 << 24 | 1 << 16));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> tensor.decode(0, 2, MemorySegment.ofArray(new float[columns])));
            assertThatThrownBy(() -> tensor.decode(0, 8, MemorySegment.NULL))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{}|0",
                "{}   |0",
                "{\"t\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[0,2]}}|2",
                "{\"t\":{\"dtype\":\"F6_E3M2\",\"shape\":[4],\"data_offsets\":[0,3]}}|3",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}|4",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[0,1000000000000],\"data_offsets\":[0,0]}}|0",
                "{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"more\":{\"a\":[1]}}}|1",
                "{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
                        + "\"data_offsets\":[0,1]}}|2",
            })
    void accepts_what_the_format_allows(String header, int dataBytes) {
        try (SafetensorsFile file = open(Bytes.safetensors(header, new byte[dataBytes]))) {
            assertThat(file.names())
                    .allSatisfy(name -> assertThat(file.tensor(name).name()).isEqualTo(name));
        }
    }

    @Test
    void refuses_bad_header_lengths() {
        assertOpenRefused("HT-200", "0 bytes", new Bytes());
        assertOpenRefused("HT-200", "7 bytes", new Bytes().zeros(7));
        assertOpenRefused("HT-201", "100000001", new Bytes().u64(100_000_001).zeros(100));
        assertOpenRefused("HT-201", "107374182400", new Bytes().u64(100L << 30).zeros(100));
        assertOpenRefused("HT-201", "18446744073709551615", new Bytes().u64(-1).zeros(100));
        assertOpenRefused("HT-202", "100000000", new Bytes().u64(100_000_000).zeros(100));
        assertOpenRefused("HT-203", "'{'", new Bytes().u64(0));
        assertOpenRefused("HT-203", "'{'", Bytes.safetensors(" {}"));
    }

    @Test
    void refuses_text_that_is_not_json() {
        assertOpenRefused("HT-204", "UTF-8", new Bytes().u64(4).raw((byte) '{', (byte) 0xC0, (byte) 0x80, (byte) '}'));
        assertOpenRefused("HT-205", "JSON", Bytes.safetensors("{}\0\0"));
        assertOpenRefused("HT-205", "more text", Bytes.safetensors("{} {}"));
        assertOpenRefused("HT-205", "JSON", Bytes.safetensors("{"));
        assertOpenRefused("HT-205", "JSON", Bytes.safetensors("{\"a\":"));
        assertOpenRefused("HT-205", "JSON", Bytes.safetensors("{\"a\":{\"x\":" + "[".repeat(1000)));
        assertOpenRefused("HT-205", "JSON", Bytes.safetensors(entry("U8", "[NaN]", "[0,1]")));
        assertOpenRefused("HT-205", "surrogate", Bytes.safetensors(I32_2X2.replace("test", "\\ud800"), new byte[16]));
        assertOpenRefused("HT-205", "surrogate", Bytes.safetensors(I32_2X2.replace("test", "\\udc00"), new byte[16]));
        assertOpenRefused("HT-204", "Unicode", Bytes.safetensors("{\"__metadata__\":{\"k\":\"\\udc00\"}}"));
        assertOpenRefused("HT-205", "surrogate", Bytes.safetensors("{\"__metadata__\":{\"\\udc00\":\"\"}}"));
    }

    @Test
    void refuses_names_that_repeat() {
        String one = "\"t\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
        assertOpenRefused("HT-206", ": t:", Bytes.safetensors("{" + one + "," + one + "}"));
        assertOpenRefused(
                "HT-206",
                "dtype",
                Bytes.safetensors(
                        one.replace("\"U8\"", "\"U8\",\"dtype\":\"I8\"").transform(s -> "{" + s + "}")));
        assertOpenRefused("HT-206", "__metadata__", Bytes.safetensors("{\"__metadata__\":{},\"__metadata__\":{}}"));
        assertOpenRefused("HT-206", "k", Bytes.safetensors("{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}"));
    }

    @Test
    void refuses_entries_that_are_malformed() {
        assertOpenRefused("HT-207", "not an object", Bytes.safetensors("{\"t\":1}"));
        assertOpenRefused("HT-207", "no dtype", Bytes.safetensors("{\"t\":{}}"));
        assertOpenRefused("HT-207", "no shape", Bytes.safetensors("{\"t\":{\"dtype\":\"U8\"}}"));
        assertOpenRefused("HT-207", "no data_offsets", Bytes.safetensors("{\"t\":{\"dtype\":\"U8\",\"shape\":[]}}"));
        assertOpenRefused("HT-207", "dtype is not a string", Bytes.safetensors("{\"t\":{\"dtype\":1}}"));
        assertOpenRefused("HT-207", "shape is not an array", Bytes.safetensors(entry("U8", "1", "[0,1]"), new byte[1]));
        assertOpenRefused("HT-207", "holds 3 numbers", Bytes.safetensors(entry("U8", "[1]", "[0,1,2]"), new byte[1]));
        assertOpenRefused("HT-207", "-1", Bytes.safetensors(entry("U8", "[1]", "[-1,1]"), new byte[1]));
        assertOpenRefused("HT-208", "'F9'", Bytes.safetensors(entry("F9", "[1]", "[0,1]"), new byte[1]));
        for (String shape : new String[] {"[-1]", "[1.0]", "[1e0]", "[-0]", "[\"1\"]", "[null]", "[[1]]", "[true]"}) {
            assertOpenRefused("HT-209", "shape holds", Bytes.safetensors(entry("U8", shape, "[0,1]"), new byte[1]));
        }
        assertOpenRefused("HT-210", "not an object", Bytes.safetensors("{\"__metadata__\":[]}"));
        assertOpenRefused("HT-210", "no string", Bytes.safetensors("{\"__metadata__\":{\"k\":1}}"));
    }

    @Test
    void refuses_shapes_and_offsets_that_do_not_fit() {
        String two =
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":%s},\"b\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":%s}}";
        assertOpenRefused("HT-213", ": b:", Bytes.safetensors(two.formatted(1, "[0,1]", 1, "[2,3]"), new byte[3]));
        assertOpenRefused("HT-213", ": b:", Bytes.safetensors(two.formatted(2, "[0,2]", 2, "[0,2]"), new byte[2]));
        assertOpenRefused("HT-213", ": t:", Bytes.safetensors(entry("U8", "[1]", "[1,2]"), new byte[2]));
        assertOpenRefused(
                "HT-213",
                ": t:",
                Bytes.safetensors(
                        entry("U8", "[1]", "[0,-0]").replace("-0", "0").replace("[0,0]", "[5,4]")));
        assertOpenRefused(
                "HT-214", ": t:", Bytes.safetensors(entry("U8", "[4294967296,4294967296]", "[0,1]"), new byte[1]));
        assertOpenRefused(
                "HT-214", "2^63", Bytes.safetensors(entry("U8", "[18446744073709551616]", "[0,1]"), new byte[1]));
        assertOpenRefused(
                "HT-214", "2^63", Bytes.safetensors(entry("U8", "[1]", "[0,9223372036854775808]"), new byte[1]));
        assertOpenRefused("HT-215", "12 bits", Bytes.safetensors(entry("F4", "[3]", "[0,2]"), new byte[2]));
        assertOpenRefused("HT-216", "takes 4 bytes", Bytes.safetensors(entry("F32", "[1]", "[0,5]"), new byte[5]));
        assertOpenRefused("HT-217", "take 16 bytes", Bytes.safetensors(I32_2X2, new byte[17]));
        assertOpenRefused("HT-217", "cut off", Bytes.safetensors(I32_2X2, new byte[15]));
        assertOpenRefused(
                "HT-217",
                "cut off",
                Bytes.safetensors(entry("U8", "[107374182400]", "[0,107374182400]"), new byte[15]));
    }

    @Test
    void refuses_a_million_and_one_tensors() throws Exception {
        StringBuilder header = new StringBuilder("{");
        for (int i = 0; i <= SafetensorsHeader.MOST_TENSORS; i++) {
            header.append("\"").append(i).append("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},");
        }
        header.setCharAt(header.length() - 1, '}');
        assertOpenRefused("HT-211", "1000000", Bytes.safetensors(header.toString()));
    }

    @Test
    void refuses_the_golden_file_with_a_byte_more_or_less() throws Exception {
        byte[] golden = Files.readAllBytes(Bytes.resource("dtypes.safetensors"));
        Path file = directory.resolve("t.safetensors");
        assertRefused(
                "HT-217", "", () -> SafetensorsFile.open(Bytes.write(file, Arrays.copyOf(golden, golden.length + 1))));
        assertRefused(
                "HT-217", "", () -> SafetensorsFile.open(Bytes.write(file, Arrays.copyOf(golden, golden.length - 1))));
    }

    @Test
    void keeps_its_messages_on_one_line_whatever_a_file_calls_its_tensors() {
        String name = "a\\n\\u001b[2J\\u202e" + "x".repeat(10_000);
        assertOpenRefused(
                "HT-216",
                "\\u001b",
                Bytes.safetensors(entry("U8", "[2]", "[0,1]").replace("\"t\"", '"' + name + '"'), new byte[1]));
    }

    @Test
    void names_what_it_holds_when_asked_for_a_tensor_it_has_not() {
        try (SafetensorsFile file = open(Bytes.safetensors(I32_2X2, new byte[16]))) {
            assertRefused("HT-230", "no tensor other among the 1 (test)", () -> file.tensor("other"));
        }
        assertThat(I32_2X2.getBytes(StandardCharsets.UTF_8)).hasSize(60);
    }
}
