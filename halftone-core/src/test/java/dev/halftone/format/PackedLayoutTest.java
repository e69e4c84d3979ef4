package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.Checkpoints;
import dev.halftone.error.InputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class PackedLayoutTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int OUT = 13;
    private static final int IN = 96;

    @TempDir
    private Path directory = Path.of("");

    /** All formats there are, with every width of code somewhere. */
    private static List<NumberFormat> formats() {
        List<NumberFormat> formats = new ArrayList<>();
        for (GridMode mode : GridMode.values()) {
            for (ScaleType scale : ScaleType.values()) {
                if ((mode == GridMode.SIGNED_MAX && scale == ScaleType.E8M0)
                        || (mode == GridMode.AFFINE && (scale == ScaleType.E8M0 || scale == ScaleType.E4M3))) {
                    continue;
                }
                int bits = mode == GridMode.BINARY ? 1 : mode == GridMode.TERNARY ? 2 : 2 + formats.size() % 7;
                formats.add(new IntGroup(bits, 16, mode, scale, 1, false));
                formats.add(new IntGroup(bits, 16, mode, scale, 1, true));
                formats.add(new IntGroup(bits, IntGroup.ROW, mode, scale, 1, false));
                formats.add(new IntGroup(bits, IntGroup.ROW, mode, scale, IntGroup.ALL_ROWS, false));
                formats.add(new IntGroup(bits, 32, mode, scale, 4, false));
            }
        }
        for (int bits = 2; bits <= 8; bits++) {
            formats.add(new IntGroup(bits, 8, bits % 2 == 0));
        }
        for (String name : LevelGroup.names()) {
            LevelGroup format = LevelGroup.named(name).orElseThrow();
            formats.add(format);
            if (format.scale() == ScaleType.E8M0) {
                formats.add(format.withRule(ScaleRule.CT).withGroup(16));
            }
            formats.add(format.withTile(4, 32));
            formats.add(format.withGroup(8).withReordered(true));
        }
        formats.add(LevelGroup.named("mxfp4").orElseThrow().withRule(ScaleRule.FLOOR_4_3));
        formats.add(LevelGroup.of(Elements.of(List.of(-1f, -0.25f, 0.5f, 3f, 5f)), ScaleType.BF16));
        return formats;
    }

    /** Anything that fits the format: codes, scales, zero points, minima and groups at random. */
    private static PackedWeight random(NumberFormat format, long seed) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        byte[] codes = new byte[OUT * IN];
        int lowest = format instanceof IntGroup f ? f.lowest() : 0;
        int largest = format instanceof LevelGroup f && f.elements() instanceof Codebook book
                ? book.levels().size() - 1
                : format.largest();
        GridMode mode = format instanceof IntGroup f ? f.mode() : GridMode.SYM;
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) random.nextInt(lowest, largest + 1);
        }
        int grids = format.tiles(OUT) * format.groups(IN);
        float unit = format.unit(new float[] {0.3f});
        float[] scales = new float[grids];
        float[] minima = new float[grids];
        byte[] zeros = new byte[grids];
        for (int g = 0; g < grids; g++) {
            float sign = mode == GridMode.SIGNED_MAX && random.nextBoolean() ? -1 : 1;
            scales[g] = unit * format.scale().nonZero(sign * random.nextFloat() / unit / 100);
            minima[g] = mode == GridMode.AFFINE ? format.scale().nearestFinite(random.nextFloat() - 0.5f) : 0;
            zeros[g] = (byte) (format.symmetric() ? format.middle() : random.nextInt(format.largest() + 1));
        }
        int[] groupOf = new int[IN];
        for (int j = 0; j < IN; j++) {
            groupOf[j] = format.reordered() ? (j * 5) % IN / 16 : j / format.groupIn(IN);
        }
        PackedWeight packed =
                PackedWeight.of(format, OUT, IN, new GridCodes(codes, scales, zeros, minima, unit, groupOf));
        float[] decoded = packed.decode();
        for (int i = 0; i < codes.length; i++) {
            int g = i / IN / format.rowsIn(OUT) * format.groups(IN) + groupOf[i % IN];
            int zero = mode == GridMode.ASYM ? zeros[g] & 0xff : format.middle();
            if (format instanceof LevelGroup levels) {
                // Boxed: NaN codes of small floats are NaN.
                assertThat(Float.valueOf(decoded[i]))
                        .isEqualTo(Float.valueOf(levels.elements().value(codes[i] & 0xff) * scales[g]));
                continue;
            }
            float expected = switch (mode) {
                case AFFINE -> (codes[i] & 0xff) * scales[g] + minima[g];
                case BINARY -> (codes[i] == 1 ? 0.5f : -0.5f) * scales[g];
                default -> ((codes[i] & 0xff) - zero) * scales[g];
            };
            assertThat(decoded[i]).as("%s, element %d", format.label(), i).isEqualTo(expected + 0f);
        }
        return packed;
    }

    @Test
    void everyFormatComesBackFromItsFilesAndItsBitsAreThoseOfTheFile() throws IOException {
        Map<String, NumberFormat> formats = new LinkedHashMap<>();
        Map<String, PackedWeight> written = new LinkedHashMap<>();
        List<StoredPart> parts = new ArrayList<>();
        for (NumberFormat format : formats()) {
            String name = "w" + formats.size();
            formats.put(name, format);
            PackedWeight packed = random(format, formats.size());
            written.put(name, packed);
            List<StoredPart> own = PackedLayout.parts(name, packed);
            long bytes = own.stream().mapToLong(part -> part.bytes().byteSize()).sum();
            assertThat(format.bitsPerWeight(OUT, IN)).as(format.label()).isEqualTo(8.0 * bytes / (OUT * IN));
            assertThat(own)
                    .allMatch(part -> PackedLayout.suffixes().stream()
                            .anyMatch(suffix -> part.name().equals(name + suffix)));
            parts.addAll(own);
        }
        ObjectNode config = JSON.createObjectNode();
        PackedLayout.describe(config, formats, new InputRounding(Map.of()));
        ModelWriter.writeModel(directory, parts);
        ModelWriter.writeJson(directory.resolve("config.json"), config);
        try (Checkpoint checkpoint = Checkpoints.open(directory)) {
            Map<String, StoredFormat> read = PackedLayout.formats(checkpoint.config(), "config.json");
            assertThat(read).containsExactlyInAnyOrderEntriesOf(formats);
            read.forEach((name, format) -> assertThat(
                            PackedLayout.read(checkpoint, name, format).decode())
                    .as(format.label())
                    .isEqualTo(Objects.requireNonNull(written.get(name)).decode()));
        }
        assertThat(formats.values().stream().map(NumberFormat::label)).doesNotHaveDuplicates();
    }

    @Test
    void whatTheFirstVersionCanSayIsWrittenAsItWas() {
        ObjectNode config = JSON.createObjectNode();
        Map<String, NumberFormat> formats = new LinkedHashMap<>();
        formats.put("a", new IntGroup(3, 64, false));
        formats.put("b", new IntGroup(8, -1, true));
        PackedLayout.describe(config, formats, new InputRounding(Map.of()));
        assertThat(config.toString())
                .isEqualTo("{\"quantization_config\":{\"quant_method\":\"halftone\",\"format_version\":1,\"formats\":["
                        + "{\"bits\":3,\"group\":64,\"symmetric\":false,\"weights\":[\"a\"]},"
                        + "{\"bits\":8,\"group\":-1,\"symmetric\":true,\"weights\":[\"b\"]}]}}");
        formats.put("c", new IntGroup(4, 32, GridMode.AFFINE, ScaleType.BF16, 1, false));
        PackedLayout.describe(config, formats, new InputRounding(Map.of()));
        assertThat(config.toString())
                .contains("\"format_version\":2")
                .contains("{\"bits\":3,\"group\":64,\"symmetric\":false,\"weights\":[\"a\"]}")
                .contains("{\"bits\":4,\"group\":32,\"symmetric\":false,\"mode\":\"affine\",\"scale\":\"bf16\","
                        + "\"rows\":1,\"reordered\":false,\"weights\":[\"c\"]}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "7| {}| HT-405 c: packed format version 7; this build reads up to 6",
                "3| {\"elements\": \"e9m9\", \"rule\": \"ceil\"}| HT-405 c: packed weights of elements \"e9m9\"",
                "3| {\"elements\": \"e2m1\", \"rule\": \"odd\"}| HT-405 c: packed weights of rule \"odd\"",
                "3| {\"elements\": \"e2m1\", \"rule\": \"ceil\", \"group\": 32}| HT-407 rule ceil does not go with fp16",
                "3| {\"elements\": \"codebook\", \"rule\": \"absmax\", \"levels\": [1, 1]}| HT-412 a codebook has level 1",
                "2| {\"bits\": 4, \"group\": 32, \"mode\": \"odd\"}| HT-405 c: packed weights of mode \"odd\"",
                "2| {\"bits\": 4, \"group\": 32, \"scale\": \"fp12\"}| HT-405 c: packed weights of scale \"fp12\"",
                "2| {\"bits\": 9, \"group\": 32}| HT-401 format has 9 bits",
                "2| {\"bits\": 4, \"group\": 32, \"rows\": 0}| HT-402 group is 0x32",
                "2| {\"bits\": 4, \"group\": 32, \"rows\": 2, \"reordered\": true}| HT-407 the order of inputs",
                "2| {\"bits\": 3, \"group\": 32, \"mode\": \"ternary\"}| HT-401 format has 3 bits; ternary has 2",
            })
    void aConfigThatThisBuildDoesNotUnderstandIsRefused(int version, String entry, String message) {
        ObjectNode config = (ObjectNode) JSON.readTree("{\"quantization_config\": {\"quant_method\": \"halftone\","
                + "\"format_version\": " + version + ", \"formats\": [" + entry + "]}}");
        assertThatThrownBy(() -> PackedLayout.formats(config, "c"))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void partsOfAnotherTypeOrShapeAreRefused() throws IOException {
        IntGroup format = new IntGroup(4, 16, GridMode.ASYM, ScaleType.BF16, 1, false);
        ModelWriter.writeModel(directory, PackedLayout.parts("w", random(format, 1)));
        ModelWriter.writeJson(directory.resolve("config.json"), JSON.createObjectNode());
        try (Checkpoint checkpoint = Checkpoints.open(directory)) {
            assertThatThrownBy(() -> PackedLayout.read(
                            checkpoint, "w", new IntGroup(4, 16, GridMode.ASYM, ScaleType.F16, 1, false)))
                    .hasMessage("HT-406 w.scales: BF16; expected F16; quantize the model again");
            assertThatThrownBy(() -> PackedLayout.read(
                            checkpoint, "w", new IntGroup(4, 16, GridMode.ASYM, ScaleType.BF16, 4, false)))
                    .hasMessageStartingWith(
                            "HT-406 w: codes (13, 48) and scales (13, 6) do not belong together for int4"
                                    + " tiles of 4x16 asymmetric bf16 scales");
        }
    }
}
