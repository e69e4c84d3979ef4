package dev.halftone.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows of 256 inputs against the check sums that {@code formats/gguf.md} lists; llama.cpp's own bytes are in GoldenRowsTest. */
class RowQuantizerTest {
    private static final int IN = 256;

    @ParameterizedTest
    @CsvSource({
        "Q4_0, 6a2ace75, 24eecb89, 24.464",
        "Q4_1, 68e46b19, 84cdeadd, 28.871",
        "Q5_0, cd282a8e, af46b129, 29.929",
        "Q5_1, 889fdb65, 45fa9af2, 29.711",
        "Q8_0, 978b2696, 978b2696, 49.743",
        "IQ4_NL, 562deb52, 92911a96, 23.321",
        "MXFP4, 0d328cab, 0d328cab, 17.376",
        "Q2_K, b7da732c, 74f15873, 12.041",
        "Q3_K, 43e021f8, dda4c2b5, 17.422",
        "Q4_K, c5cdead4, 8f18f760, 30.528",
        "Q5_K, 6e6d7915, 29cccb67, 30.590",
        "Q6_K, be758741, 5b038f4f, 36.947",
        "TQ1_0, 25103e4c, 25103e4c, 6.103",
        "TQ2_0, 254af37f, 254af37f, 6.103",
    })
    void theBytesAreThoseOfTheFormat(BlockLayout layout, String plain, String weighted, double decibels) {
        float[] x = values();
        assertThat(checksum(bytes(layout, x, null))).isEqualTo(plain);
        assertThat(checksum(bytes(layout, x, importance()))).isEqualTo(weighted);
        float[] decoded = decoded(layout, bytes(layout, x, null));
        assertThat(decibels(x, decoded)).isCloseTo(decibels, within(0.001));
    }

    @ParameterizedTest
    @EnumSource(BlockLayout.class)
    void aRowsOwnValuesAreWhatAReaderDecodes(BlockLayout layout) {
        float[] x = values();
        BlockRow row = new BlockRow(layout, IN);
        RowQuantizer.of(layout).quantize(x, 0, importance(), row);
        byte[] bytes = new byte[layout.rowBytes(IN)];
        BlockBytes.write(row, bytes, 0);
        float[] decoded = decoded(layout, bytes);
        for (int i = 0; i < IN; i++) {
            assertThat(row.value(i)).as("%s %d", layout, i).isEqualTo(decoded[i]);
        }
    }

    @ParameterizedTest
    @EnumSource(BlockLayout.class)
    void zerosStayZeros(BlockLayout layout) {
        for (float[] importance : new float[][] {null, importance()}) {
            for (float value : decoded(layout, bytes(layout, new float[IN], importance))) {
                assertThat(Math.abs(value)).isZero();
            }
        }
    }

    @Test
    void unitsAreStoredAsTheTypeStoresThem() {
        BlockRow row = new BlockRow(BlockLayout.MXFP4, 32);
        row.setUnit(0, 0.7f);
        assertThat(row.unit(0)).isEqualTo(0.5f);
        row.setUnit(0, 0.8f);
        assertThat(row.unit(0)).isEqualTo(1f);
        BlockRow half = new BlockRow(BlockLayout.Q4_0, 32);
        half.setUnit(0, 0.1f);
        assertThat(half.unit(0)).isEqualTo(Float.float16ToFloat(Float.floatToFloat16(0.1f)));
    }

    @Test
    void aScratchOfAnotherRowLeavesNoTrace() {
        float[] x = values();
        for (BlockLayout layout : BlockLayout.values()) {
            RowQuantizer quantizer = RowQuantizer.of(layout);
            BlockRow row = new BlockRow(layout, IN);
            quantizer.quantize(new float[IN], 0, null, row);
            quantizer.quantize(x, 0, null, row);
            byte[] bytes = new byte[layout.rowBytes(IN)];
            BlockBytes.write(row, bytes, 0);
            assertThat(bytes).isEqualTo(bytes(layout, x, null));
        }
    }

    private static float[] values() {
        float[] x = new float[IN];
        for (int i = 0; i < IN; i++) {
            x[i] = ((i * 7919 + 13) % 257 - 128) / 64f;
        }
        return x;
    }

    private static float[] importance() {
        float[] q = new float[IN];
        for (int i = 0; i < IN; i++) {
            q[i] = 1 + (31 * i) % 17 / 4f;
        }
        return q;
    }

    static byte[] bytes(BlockLayout layout, float[] x, float @Nullable [] importance) {
        BlockRow row = new BlockRow(layout, x.length);
        RowQuantizer.of(layout).quantize(x, 0, importance, row);
        byte[] bytes = new byte[layout.rowBytes(x.length)];
        BlockBytes.write(row, bytes, 0);
        return bytes;
    }

    private static float[] decoded(BlockLayout layout, byte[] bytes) {
        float[] decoded = new float[IN];
        layout.type().decode(bytes, decoded, IN / layout.block());
        return decoded;
    }

    private static String checksum(byte[] bytes) {
        CRC32 sum = new CRC32();
        sum.update(bytes);
        return "%08x".formatted(sum.getValue());
    }

    private static double decibels(float[] x, float[] decoded) {
        double signal = 0;
        double noise = 0;
        for (int i = 0; i < IN; i++) {
            signal += x[i] * x[i];
            noise += (x[i] - decoded[i]) * (double) (x[i] - decoded[i]);
        }
        return 10 * Math.log10(signal / noise);
    }
}
