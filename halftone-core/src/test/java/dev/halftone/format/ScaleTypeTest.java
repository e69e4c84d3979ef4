package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ScaleTypeTest {
    /** The first figures are the microscaling formats' golden ones. */
    @ParameterizedTest
    @CsvSource({
        "E4M3, 1.0, 38",
        "E4M3, 1.0625, 38",
        "E4M3, 1.1875, 3A",
        "E4M3, 448, 7E",
        "E4M3, 460, 7E",
        "E4M3, 1e9, 7E",
        "E4M3, 0x1p-9, 01",
        "E4M3, 0x1.8p-10, 01",
        "E4M3, 0, 01",
        "E4M3, -1, B8",
        "E4M3, 0x1.fp-7, 08",
        "E8M0, 1, 7F",
        "E8M0, 0x1p-127, 00",
        "E8M0, 1.49, 7F",
        "E8M0, 1.5, 80",
        "E8M0, 0, 00",
        "E8M0, 3e38, FE",
        "F16, 65519, FF7B",
        "F16, 1e9, FF7B",
        "F16, 0, 0100",
        "F16, -0.1, 66AE",
        "BF16, 1.00390625, 803F",
        "BF16, 1.01171875, 823F",
        "BF16, 3.4e38, 7F7F",
        "BF16, 0, 0100",
        "F32, 0.1, CDCCCC3D",
        "F32, 0, 01000000"
    })
    void aScaleIsStoredAsTheNearestNumberThatIsNeitherZeroNorInfinite(ScaleType type, String wanted, String bytes) {
        MemorySegment stored = MemorySegment.ofArray(new byte[type.bytes()]);
        float rounded = type.nonZero(Float.parseFloat(wanted.startsWith("0x") ? wanted : wanted + "f"));
        type.write(stored, 0, rounded);
        assertThat(java.util.HexFormat.of().withUpperCase().formatHex(stored.toArray(ValueLayout.JAVA_BYTE)))
                .isEqualTo(bytes);
        assertThat(type.read(stored, 0)).isEqualTo(rounded);
    }

    @ParameterizedTest
    @EnumSource(
            value = ScaleType.class,
            names = {"E4M3", "E8M0"})
    void everyCodeOfAByteIsReadAndWrittenBackAndNothingLiesNearer(ScaleType type) {
        MemorySegment all = MemorySegment.ofArray(new byte[256]);
        MemorySegment again = MemorySegment.ofArray(new byte[256]);
        for (int code = 0; code < 256; code++) {
            all.set(ValueLayout.JAVA_BYTE, code, (byte) code);
            float value = type.read(all, code);
            if (!Float.isNaN(value) && value != 0) {
                type.write(again, code, value);
                assertThat(again.get(ValueLayout.JAVA_BYTE, code)).isEqualTo((byte) code);
                assertThat(type.nonZero(value)).isEqualTo(value);
            }
        }
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        for (int i = 0; i < 500; i++) {
            float wanted = (float) Math.exp(12 * random.nextDouble() - 6);
            float nearest = type.nonZero(wanted);
            for (int code = 0; code < 256; code++) {
                float other = type.read(all, code);
                assertThat(Math.abs(other - wanted) < Math.abs(nearest - wanted))
                        .as("%s for %s: %s", type, wanted, other)
                        .isFalse();
            }
        }
    }

    @Test
    void theUnitPutsTwiceTheLargestScaleAtTheEndOfShortTypes() {
        float[] w = {0.5f, -0.02f, 0.01f, 0};
        IntGroup format = new IntGroup(4, 2, GridMode.SYM, ScaleType.E4M3, 1, false);
        assertThat(format.unit(w)).isEqualTo(2 * 0.5f * (1 / 7f) / 448);
        assertThat(new IntGroup(4, 2, true).unit(w)).isEqualTo(1);
        assertThat(format.unit(new float[4])).isEqualTo(1);
    }
}
