package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ElementsTest {
    private static List<Elements> all() {
        List<Elements> all = new ArrayList<>(Arrays.asList(FloatElements.values()));
        all.addAll(Arrays.asList(IntElements.values()));
        all.add(Codebook.NF4);
        all.add(Elements.of(List.of(-3f, -0.5f, 0.25f, 1f, 8f)));
        return all;
    }

    /** The golden codes of the OCP specifications. */
    @ParameterizedTest
    @CsvSource({
        "E4M3, 1.0, 38",
        "E4M3, 1.0625, 38",
        "E4M3, 1.1875, 3A",
        "E4M3, 448, 7E",
        "E4M3, 460, 7E",
        "E4M3, 1e9, 7E",
        "E4M3, 0x1p-9, 01",
        "E4M3, 0x1p-10, 00",
        "E4M3, 0x1.8p-10, 01",
        "E4M3, -0.0, 80",
        "E4M3, NaN, 7F",
        "E4M3, Infinity, 7E",
        "E4M3, -1e9, FE",
        "E4M3, 0x1.fp-7, 08",
        "E5M2, 1.0, 3C",
        "E5M2, 57344, 7B",
        "E5M2, 0x1p-16, 01",
        "E5M2, 0x1p-17, 00",
        "E5M2, 1e9, 7B",
        "E2M1, 0.25, 00",
        "E2M1, 0.75, 02",
        "E2M1, 1.25, 02",
        "E2M1, 1.75, 04",
        "E2M1, 2.5, 04",
        "E2M1, 3.5, 06",
        "E2M1, 5, 06",
        "E2M1, 5.01, 07",
        "E2M1, -6, 0F",
        "E2M1, -0.0, 08",
        "E2M1, 0.26, 01",
        "E2M1, 1e30, 07",
        "E2M3, 7.5, 1F",
        "E2M3, 0.125, 01",
        "E2M3, 0.0625, 00",
        "E2M3, 1, 08",
        "E3M2, 28, 1F",
        "E3M2, 0.25, 04",
        "E3M2, 0.0625, 01",
        "E3M2, -0.03125, 20"
    })
    void floatsHaveTheCodesOfTheirSpecification(FloatElements elements, String x, String code) {
        assertThat(elements.code((float) Double.parseDouble(x))).isEqualTo(Integer.parseInt(code, 16));
    }

    @Test
    void fourBitFloatsAreTheEightMagnitudesWithTheirSign() {
        float[] magnitudes = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
        for (int code = 0; code < 16; code++) {
            assertThat(FloatElements.E2M1.value(code)).isEqualTo(code < 8 ? magnitudes[code] : -magnitudes[code - 8]);
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void everyCodeIsReadAndWrittenBack(Elements elements) {
        for (int code = 0; code < 1 << elements.bits(); code++) {
            float value = elements.value(code);
            if (!Float.isFinite(value) || (elements instanceof IntElements && code == 1 << (elements.bits() - 1))) {
                continue;
            }
            if (elements instanceof Codebook book && code >= book.levels().size()) {
                continue;
            }
            assertThat(elements.code(value)).as("%s of %s", code, elements).isEqualTo(code);
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void roundingIsToTheNearestMonotoneAndSaturates(Elements elements) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(3);
        float[] drawn = new float[4000];
        for (int i = 0; i < drawn.length; i++) {
            drawn[i] = (float) (random.nextGaussian() * Math.scalb(elements.largest(), -random.nextInt(12)));
        }
        Arrays.sort(drawn);
        float before = Float.NEGATIVE_INFINITY;
        for (float x : drawn) {
            float value = elements.value(elements.code(x));
            assertThat(value).isGreaterThanOrEqualTo(before);
            before = value;
            for (int code = 0; code < 1 << elements.bits(); code++) {
                float other = elements.value(code);
                if (Float.isFinite(other) && !(elements instanceof IntElements && -other > elements.largest())) {
                    assertThat(Math.abs((double) x - other)).isGreaterThanOrEqualTo(Math.abs((double) x - value));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(FloatElements.class)
    void floatsAreOddAndTiesGoToTheEvenMantissa(FloatElements elements) {
        int sign = 1 << (elements.bits() - 1);
        for (int code = 0; code + 1 < sign; code++) {
            double above = elements.value(code + 1);
            if (!Double.isFinite(above)) {
                break;
            }
            float middle = (float) ((elements.value(code) + above) / 2);
            assertThat(elements.code(middle)).isEqualTo(code % 2 == 0 ? code : code + 1);
            assertThat(elements.code(-middle)).isEqualTo(elements.code(middle) | sign);
        }
    }

    @ParameterizedTest
    @EnumSource(IntElements.class)
    void integersNeverUseTheirLeastCode(IntElements elements) {
        int least = 1 << (elements.bits() - 1);
        for (float x : new float[] {-1e30f, -elements.largest() * 1.01f, Float.NEGATIVE_INFINITY}) {
            assertThat(elements.code(x)).isEqualTo(least + 1);
            assertThat(elements.value(elements.code(x))).isEqualTo(-elements.largest());
        }
    }

    @Test
    void valuesOfANamedCodebookAreTheQuantilesOfQlora() {
        assertThat(Codebook.NF4.levels()).hasSize(16).startsWith(-1f).endsWith(1f);
        assertThat(Codebook.NF4.value(7)).isZero();
        assertThat(Codebook.NF4.code(0.04f)).isEqualTo(8);
        assertThat(Codebook.NF4.code(0.0397f)).isEqualTo(7);
    }

    @Test
    void aValueOnAThresholdHasTheLowerLevel() {
        Elements book = Elements.of(List.of(-1f, 0f, 2f));
        assertThat(book.bits()).isEqualTo(2);
        assertThat(new int[] {book.code(-0.5f), book.code(1), book.code(1.001f), book.code(-7)})
                .containsExactly(0, 1, 2, 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "1 1", "2 1", "0 NaN", "0 Infinity"})
    void levelsThatAreNoAscendingFiniteNumbersAreRefused(String levels) {
        List<Float> values =
                Arrays.stream(levels.split(" ")).map(Float::valueOf).toList();
        assertThatThrownBy(() -> Elements.of(values))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("HT-412 a codebook has ");
    }

    @Test
    void aGridWithoutNaNRefusesIt() {
        for (Elements elements : all()) {
            if (elements != FloatElements.E4M3 && elements != FloatElements.E5M2) {
                assertThatThrownBy(() -> elements.code(Float.NaN)).hasMessageEndingWith("has no code for NaN");
            }
        }
        assertThat(FloatElements.E5M2.value(FloatElements.E5M2.code(Float.NaN))).isNaN();
    }
}
