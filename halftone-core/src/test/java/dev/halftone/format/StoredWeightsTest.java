package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.Checkpoints;
import dev.halftone.error.InputException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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

/** Weights with something beside or around one number format. */
class StoredWeightsTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int OUT = 20;
    private static final int IN = 96;

    @TempDir
    private Path directory = Path.of("");

    private static RandomGenerator random(long seed) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }

    private static byte[] codes(RandomGenerator random, int count, int bits) {
        byte[] codes = new byte[count];
        for (int i = 0; i < count; i++) {
            codes[i] = (byte) random.nextInt(1 << bits);
        }
        return codes;
    }

    private static float[] halves(RandomGenerator random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = Float.float16ToFloat(Float.floatToFloat16(0.01f + random.nextFloat()));
        }
        return values;
    }

    private static PackedWeight dense(int out, int in, IntGroup format, long seed) {
        RandomGenerator random = random(seed);
        int grids = format.tiles(out) * format.groups(in);
        return PackedWeight.of(
                format,
                out,
                in,
                new GridCodes(
                        codes(random, out * in, format.bits()),
                        halves(random, grids),
                        codes(random, grids, format.bits()),
                        halves(random, grids),
                        1,
                        new int[0]));
    }

    private static Outliers sparse() {
        int[][] inputs = new int[OUT][0];
        float[][] values = new float[OUT][0];
        inputs[3] = new int[] {0, 17, 95};
        values[3] = new float[] {1.5f, -2, 0.25f};
        inputs[19] = new int[] {40};
        values[19] = new float[] {-7};
        return Outliers.ofWeights(IN, inputs, values);
    }

    private static BilevelWeight bilevel(boolean reordered) {
        RandomGenerator random = random(5);
        BilevelGroup format = new BilevelGroup(3, 16, 3, 16, reordered);
        int[] groupOf = new int[IN];
        for (int j = 0; j < IN; j++) {
            groupOf[j] = reordered ? j % 6 : j / 16;
        }
        return BilevelWeight.of(
                format,
                OUT,
                IN,
                new BilevelWeight.Codes(
                        codes(random, OUT * IN, 3),
                        codes(random, OUT * 6, 3),
                        codes(random, OUT * 6, 3),
                        halves(random, 2 * 6 * 4),
                        groupOf));
    }

    private static TwoGridWeight twoGrids(GridMode mode) {
        IntGroup format = new IntGroup(4, 32, mode, ScaleType.F16, 1, false);
        RandomGenerator random = random(7);
        boolean[] outlier = new boolean[OUT * IN];
        for (int i = 0; i < outlier.length; i++) {
            outlier[i] = i % 32 < 31 ? random.nextInt(9) == 0 : i / 32 % 5 == 0;
        }
        return TwoGridWeight.of(dense(OUT, IN, format, 8), halves(random, OUT * 3), halves(random, OUT * 3), outlier);
    }

    private static List<StoredWeight> weights() {
        IntGroup int3 = new IntGroup(3, 32, false);
        PackedWeight dense = dense(OUT, IN, int3, 1);
        return List.of(
                dense,
                new OutlierWeight(dense, sparse()),
                new OutlierWeight(dense, Outliers.ofColumns(OUT, IN, new int[] {2, 64}, halves(random(2), 2 * OUT))),
                bilevel(false),
                new OutlierWeight(bilevel(true), sparse()),
                twoGrids(GridMode.AFFINE),
                twoGrids(GridMode.SYM),
                CodebookWeight.of(new CodebookFormat(3), OUT, IN, codes(random(3), OUT * IN, 3), halves(random(4), 8)),
                new OutlierWeight(
                        CodebookWeight.of(
                                new CodebookFormat(2), OUT, IN, codes(random(3), OUT * IN, 2), halves(random(4), 4)),
                        sparse()),
                new TurnedWeight(dense(IN, OUT, new IntGroup(4, 10, false), 9)));
    }

    @Test
    void everyFormComesBackFromItsFilesWithTheBytesItCounts() throws IOException {
        Map<String, StoredFormat> formats = new LinkedHashMap<>();
        Map<String, StoredWeight> written = new LinkedHashMap<>();
        List<StoredPart> parts = new ArrayList<>();
        for (StoredWeight weight : weights()) {
            String name = "w" + formats.size();
            formats.put(name, weight.format());
            written.put(name, weight);
            List<StoredPart> own = weight.parts(name);
            long bytes = own.stream().mapToLong(part -> part.bytes().byteSize()).sum();
            assertThat(weight.byteSize()).as(weight.format().label()).isEqualTo(bytes);
            assertThat(own)
                    .allMatch(part -> PackedLayout.suffixes().stream()
                            .anyMatch(suffix -> part.name().equals(name + suffix)));
            parts.addAll(own);
        }
        ObjectNode config = JSON.createObjectNode();
        PackedLayout.describe(config, formats, new InputRounding(Map.of()));
        assertThat(config.path("quantization_config").path("format_version").asInt())
                .isEqualTo(6);
        ModelWriter.writeModel(directory, parts);
        ModelWriter.writeJson(directory.resolve("config.json"), config);
        try (Checkpoint checkpoint = Checkpoints.open(directory)) {
            Map<String, StoredFormat> read = PackedLayout.formats(checkpoint.config(), "config.json");
            assertThat(read).containsExactlyInAnyOrderEntriesOf(formats);
            read.forEach((name, format) -> {
                StoredWeight weight = PackedLayout.read(checkpoint, name, format);
                float[] values = Objects.requireNonNull(written.get(name)).decode();
                assertThat(weight.decode()).as(format.label()).isEqualTo(values);
                float[] row = new float[IN];
                weight.decodeRow(7, row, 0);
                for (int j = 0; j < IN; j++) {
                    assertThat(row[j]).isEqualTo(values[7 * IN + j]);
                }
            });
        }
    }

    @Test
    void bitsAreThoseOfTheFormulas() {
        double weights = OUT * IN;
        // SpQR: b + 6 / g in rows of whole bytes (6 groups of 3 bits: 3 bytes), 4 * 16 bits for 16 rows of a group.
        assertThat(bilevel(false).byteSize()).isEqualTo(OUT * IN * 3 / 8 + 2 * OUT * 3 + 2 * 6 * 8);
        assertThat(bilevel(true).byteSize()).isEqualTo(bilevel(false).byteSize() + 2 * IN);
        // Outliers: 32 bits each, 16 for each row.
        assertThat(sparse().byteSize()).isEqualTo(4 * 4 + 2 * OUT);
        assertThat(sparse().count()).isEqualTo(4);
        // GOBO: b + 2^b * 32 / n.
        StoredWeight book =
                CodebookWeight.of(new CodebookFormat(3), OUT, IN, codes(random(3), OUT * IN, 3), halves(random(4), 8));
        assertThat(book.bitsPerWeight()).isEqualTo(3 + 8 * 32 / weights);
        // AdpQ: b + 2 * 32 / g + 8 / g + ceil(log2 g) bits for each outlier.
        TwoGridWeight two = twoGrids(GridMode.AFFINE);
        long outliers = 0;
        for (int i = 0; i < two.counts().byteSize(); i++) {
            outliers += two.counts().get(ValueLayout.JAVA_BYTE, i);
        }
        assertThat(two.byteSize())
                .isEqualTo((long) (weights * 4 / 8 + weights / 32 * (4 + 4 + 1) + Math.ceilDiv(5 * outliers, 8L)));
    }

    @Test
    void outliersAreAddedToWhatTheirCodesStandFor() {
        PackedWeight dense = dense(OUT, IN, new IntGroup(3, 32, false), 1);
        float[] before = dense.decode();
        float[] after = new OutlierWeight(dense, sparse()).decode();
        before[3 * IN] += 1.5f;
        before[3 * IN + 17] -= 2;
        before[3 * IN + 95] += 0.25f;
        before[19 * IN + 40] -= 7;
        assertThat(after).isEqualTo(before);
    }

    @Test
    void groupsOfTheTransposeRunAlongTheOutputs() {
        PackedWeight turned = dense(IN, OUT, new IntGroup(4, 10, false), 9);
        float[] values = new TurnedWeight(turned).decode();
        for (int row = 0; row < OUT; row++) {
            for (int j = 0; j < IN; j++) {
                assertThat(values[row * IN + j]).isEqualTo(turned.decode()[j * OUT + row]);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"outliers\": \"rows\", \"dense\": {\"bits\": 4, \"group\": 32}}| HT-405 c: packed weights of outliers \"rows\"",
                "{\"outliers\": \"weights\", \"dense\": {\"outliers\": \"weights\", \"dense\": {\"bits\": 4, \"group\": 32}}}| HT-405",
                "{\"bilevel\": {\"bits\": 3, \"group\": 0}}| HT-721",
                "{\"two_grids\": {\"bits\": 4, \"group\": 300, \"mode\": \"affine\"}}| HT-722",
                "{\"two_grids\": {\"bits\": 4, \"group\": 32}}| HT-722",
                "{\"codebook\": {\"bits\": 9}}| HT-401",
            })
    void formatsThatCannotBeAreRefused(String entry, String message) {
        ObjectNode config = (ObjectNode) JSON.readTree("{\"quantization_config\": {\"quant_method\": \"halftone\","
                + "\"format_version\": 6, \"formats\": [" + entry + "]}}");
        assertThatThrownBy(() -> PackedLayout.formats(config, "c"))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void damagedOutliersAreRefused() throws IOException {
        OutlierWeight weight = new OutlierWeight(dense(OUT, IN, new IntGroup(3, 32, false), 1), sparse());
        List<StoredPart> parts = new ArrayList<>(weight.parts("w"));
        StoredPart inputs = parts.get(parts.size() - 2);
        byte[] disordered = inputs.bytes().toArray(ValueLayout.JAVA_BYTE);
        disordered[2] = 0;
        parts.set(
                parts.size() - 2,
                new StoredPart(inputs.name(), inputs.dtype(), inputs.shape(), MemorySegment.ofArray(disordered)));
        ModelWriter.writeModel(directory, parts);
        ModelWriter.writeJson(directory.resolve("config.json"), JSON.createObjectNode());
        try (Checkpoint checkpoint = Checkpoints.open(directory)) {
            assertThatThrownBy(() -> PackedLayout.read(checkpoint, "w", weight.format()))
                    .hasMessageContaining("HT-404 w")
                    .hasMessageContaining("input 0 after 0 of 96");
        }
    }
}
