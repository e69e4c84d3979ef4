package dev.halftone.export.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.error.InputException;
import dev.halftone.format.FloatElements;
import dev.halftone.format.GridCodes;
import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.ScaleRule;
import dev.halftone.format.ScaleType;
import dev.halftone.format.StoredPart;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The bytes of every layout. Expected figures: made by independent code that the reference projects' readers accept. */
class LayoutsTest {
    private static final int IN = 64;
    private static final int OUT = 32;
    private static final int GROUP = 32;

    /** The golden weight of the GPTQ and AWQ layouts. */
    private static PackedWeight golden(int bits) {
        int groups = IN / GROUP;
        byte[] codes = new byte[OUT * IN];
        byte[] zeros = new byte[OUT * groups];
        float[] scales = new float[OUT * groups];
        for (int o = 0; o < OUT; o++) {
            for (int i = 0; i < IN; i++) {
                codes[o * IN + i] = (byte) ((7 * i + 3 * o) % (1 << bits));
            }
            for (int k = 0; k < groups; k++) {
                zeros[o * groups + k] = (byte) ((5 * k + o) % ((1 << bits) - 1) + 1);
                scales[o * groups + k] = (float) Math.pow(2, -((o + k) % 4));
            }
        }
        return packed(new IntGroup(bits, GROUP, false), codes, scales, zeros);
    }

    private static PackedWeight packed(IntGroup format, byte[] codes, float[] scales, byte[] zeros) {
        int[] groupOf = new int[IN];
        for (int j = 0; j < IN; j++) {
            groupOf[j] = format.reordered() ? (5 * j) % IN / GROUP : j / format.groupIn(IN);
        }
        return PackedWeight.of(
                format,
                codes.length / IN,
                IN,
                new GridCodes(codes, scales, zeros, new float[zeros.length], 1, groupOf));
    }

    @ParameterizedTest
    @CsvSource({
        "2, e6caf160, 49f8ee8f, 06cbf647",
        "3, 9aa978af, 141294f7, da8d3c1e",
        "4, 8457938c, be23d9e8, bbe75c4d",
        "8, 6ccfb218, fa19b228, 3e20409d"
    })
    void gptqHasTheGoldenBytes(int bits, String qweight, String second, String first) {
        Map<String, byte[]> two = parts(new Gptq(2), golden(bits));
        Map<String, byte[]> one = parts(new Gptq(1), golden(bits));
        assertThat(checksum(two, "p.qweight")).isEqualTo(qweight);
        assertThat(checksum(two, "p.qzeros")).isEqualTo(second);
        assertThat(checksum(one, "p.qweight")).isEqualTo(qweight);
        assertThat(checksum(one, "p.qzeros")).isEqualTo(first);
        if (bits == 4) {
            assertThat(word(two, "p.qweight")).isEqualTo(0x1a3c5e70);
        }
        ByteBuffer order = ByteBuffer.wrap(bytes(two, "p.g_idx")).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(new int[] {order.getInt(0), order.getInt(4 * 31), order.getInt(4 * 32)})
                .containsExactly(0, 0, 1);
    }

    @Test
    void awqHasTheGoldenBytes() {
        Map<String, byte[]> parts = parts(new Awq(), golden(4));
        assertThat(checksum(parts, "p.qweight")).isEqualTo("e52bb75e");
        assertThat(checksum(parts, "p.qzeros")).isEqualTo("8fcb0c41");
        assertThat(word(parts, "p.qweight")).isEqualTo(0x5f932c60);
    }

    @ParameterizedTest
    @CsvSource({"2, 51d57f06", "3, 126d8bd1", "4, 0d953cc1", "5, 2a691cce", "6, 03a9c6ca", "7, fbc617b3", "8, f13c9ac8"
    })
    void compressedTensorsHasTheGoldenBytes(int bits, String expected) {
        int in = 48;
        byte[] codes = new byte[3 * in];
        for (int r = 0; r < 3; r++) {
            for (int i = 0; i < in; i++) {
                codes[r * in + i] = (byte) ((7 * i + 3 * r) % (1 << bits));
            }
        }
        float[] scales = {1, 1, 1, 1, 1, 1};
        PackedWeight weight = PackedWeight.of(
                new IntGroup(bits, 24, true),
                3,
                in,
                new GridCodes(codes, scales, new byte[0], new float[0], 1, new int[0]));
        assertThat(checksum(parts(new CompressedTensors(false), weight), "p.weight_packed"))
                .isEqualTo(expected);
    }

    @Test
    void scalesOfAModelInFloat32AreFloat32() {
        PackedWeight weight = golden(4);
        byte[] wide = bytes(parts(new CompressedTensors(true), weight), "p.weight_scale");
        byte[] narrow = bytes(parts(new CompressedTensors(false), weight), "p.weight_scale");
        ByteBuffer floats = ByteBuffer.wrap(wide).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer halves = ByteBuffer.wrap(narrow).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(wide).hasSize(2 * narrow.length);
        for (int i = 0; i < OUT * 2; i++) {
            assertThat(floats.getFloat(4 * i)).isEqualTo(Float.float16ToFloat(halves.getShort(2 * i)));
        }
    }

    @Test
    void fourBitFloatsHaveTheGoldenRow() {
        float[] row = {0.5f, -6, 0, -0f, 1, 1.5f, 2, 3, 4, 6, -0.5f, -1, -1.5f, -2, -3, -4};
        LevelGroup format = LevelGroup.named("nvfp4").orElseThrow();
        byte[] codes = new byte[16];
        for (int i = 0; i < 16; i++) {
            codes[i] = (byte) FloatElements.E2M1.code(row[i]);
        }
        PackedWeight weight = PackedWeight.of(
                format, 1, 16, new GridCodes(codes, new float[] {0.25f}, new byte[0], new float[0], 0.5f, new int[0]));
        Map<String, byte[]> parts = parts(new CompressedTensors(false), weight);
        assertThat(HexFormat.of().formatHex(bytes(parts, "p.weight_packed"))).isEqualTo("f180325476a9cbed");
        assertThat(bytes(parts, "p.weight_scale")).containsExactly(0x30);
        assertThat(ByteBuffer.wrap(bytes(parts, "p.weight_global_scale"))
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getFloat())
                .isEqualTo(2);
    }

    @Test
    void aBlockOfZerosHasAScaleThatIsNotTheLeast() {
        LevelGroup format = LevelGroup.named("mxfp4").orElseThrow();
        PackedWeight weight = PackedWeight.of(
                format,
                1,
                64,
                new GridCodes(new byte[64], new float[] {0x1p-127f, 4}, new byte[0], new float[0], 1, new int[0]));
        assertThat(bytes(parts(new CompressedTensors(false), weight), "p.weight_scale"))
                .containsExactly(127, (byte) 129);
    }

    @Test
    void negativeScalesAndTilesBecomeGroupsOfRows() {
        Random random = new Random(3);
        byte[] codes = new byte[OUT * IN];
        random.nextBytes(codes);
        for (int i = 0; i < codes.length; i++) {
            codes[i] &= 15;
        }
        float[] scales = new float[OUT / 4 * 2];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = (i % 3 == 0 ? -1 : 1) * (1 + i) / 64f;
        }
        PackedWeight weight = packed(
                new IntGroup(4, GROUP, GridMode.SIGNED_MAX, ScaleType.F16, 4, false),
                codes,
                scales,
                new byte[scales.length]);
        PackedWeight plain = IntCodes.of("p", weight);
        assertThat(plain.format()).isEqualTo(new IntGroup(4, GROUP, false));
        assertThat(plain.decode()).isEqualTo(weight.decode());
        assertThat(parts(new Gptq(1), weight)).containsKey("p.qzeros");
    }

    @Test
    void whatALayoutCannotSayIsRefusedWithTheReason() {
        byte[] codes = new byte[OUT * IN];
        float[] scales = new float[OUT * 2];
        java.util.Arrays.fill(scales, 0.1f);
        byte[] zeros = new byte[OUT * 2];
        PackedWeight wide = packed(new IntGroup(4, GROUP, GridMode.SYM, ScaleType.F32, 1, false), codes, scales, zeros);
        PackedWeight affine =
                packed(new IntGroup(4, GROUP, GridMode.AFFINE, ScaleType.F16, 1, false), codes, scales, zeros);
        PackedWeight zero = packed(new IntGroup(4, GROUP, false), codes, scales, zeros);
        PackedWeight five = packed(new IntGroup(5, GROUP, true), codes, scales, zeros);
        PackedWeight ordered =
                packed(new IntGroup(4, GROUP, GridMode.ASYM, ScaleType.F16, 1, true), codes, scales, zeros);
        refused(new Gptq(2), wide, "has scales that are no FP16 numbers (0.1 in row 0)");
        refused(new CompressedTensors(false), affine, "has mode affine, whose groups have no zero point");
        refused(new Gptq(1), zero, "has zero point 0 (row 0, group 0), which version 1");
        refused(new Gptq(2), five, "has 5 bits; GPTQ checkpoints have 2, 3, 4 or 8");
        refused(new Awq(), five, "has 5 bits; AWQ checkpoints have 4");
        refused(new Awq(), ordered, "has groups of reordered inputs");
        assertThat(parts(new Gptq(2), ordered)).containsKey("p.g_idx");
        assertThat(Gptq.first("p", zero)).isFalse();
        LevelGroup thirds = LevelGroup.named("mxfp4").orElseThrow().withRule(ScaleRule.FLOOR_4_3);
        float[] powers = new float[OUT * 2];
        java.util.Arrays.fill(powers, 1 / 3f);
        PackedWeight divided =
                PackedWeight.of(thirds, OUT, IN, new GridCodes(codes, powers, zeros, new float[0], 1 / 3f, new int[0]));
        refused(
                new CompressedTensors(false),
                divided,
                "is mxfp4_e2m1 floor-4-3, which compressed-tensors has no layout for");
        refused(new Gptq(2), divided, "has mxfp4_e2m1 floor-4-3 weights, which are no integers");
    }

    private static void refused(Layout layout, PackedWeight weight, String reason) {
        assertThatThrownBy(() -> layout.parts("p", weight))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("HT-692 p: " + reason);
    }

    @Test
    void severalFormatsHaveGroupsOfTheirOwnOrAreRefused() {
        Map<String, PackedWeight> weights = new LinkedHashMap<>();
        weights.put("a", golden(4));
        weights.put("b", golden(8));
        ObjectNode section = new JsonMapper().createObjectNode();
        new CompressedTensors(false).describe(section, weights, List.of("lm_head"));
        assertThat(section.path("format").asString()).isEqualTo("pack-quantized");
        assertThat(section.path("config_groups").path("group_1").toString())
                .isEqualTo("{\"targets\":[\"b\"],\"weights\":{\"num_bits\":8,\"type\":\"int\",\"symmetric\":false,"
                        + "\"dynamic\":false,\"strategy\":\"group\",\"group_size\":32},\"input_activations\":null,"
                        + "\"output_activations\":null,\"format\":\"pack-quantized\"}");
        assertThat(section.path("ignore").toString()).isEqualTo("[\"lm_head\"]");
        assertThatThrownBy(() -> new Gptq(1).describe(section, weights, List.of()))
                .hasMessageStartingWith(
                        "HT-692 b: is int8 g32 asymmetric and a is int4 g32 asymmetric; this layout has one");
    }

    private static Map<String, byte[]> parts(Layout layout, PackedWeight weight) {
        Map<String, byte[]> parts = new LinkedHashMap<>();
        for (StoredPart part : layout.parts("p", weight)) {
            parts.put(part.name(), part.bytes().toArray(ValueLayout.JAVA_BYTE));
        }
        return parts;
    }

    private static byte[] bytes(Map<String, byte[]> parts, String name) {
        return java.util.Objects.requireNonNull(parts.get(name), name);
    }

    private static String checksum(Map<String, byte[]> parts, String name) {
        CRC32 sum = new CRC32();
        sum.update(bytes(parts, name));
        return "%08x".formatted(sum.getValue());
    }

    private static int word(Map<String, byte[]> parts, String name) {
        return ByteBuffer.wrap(bytes(parts, name))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getInt();
    }
}
