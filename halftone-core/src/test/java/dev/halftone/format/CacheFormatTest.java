package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.error.InputException;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.util.Map;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CacheFormatTest {
    private static final int HEADS = 3;
    private static final int TOKENS = 5;
    private static final int DIM = 16;

    @BeforeAll
    static void load() {
        Torch.load();
    }

    /** Against the formulas of arXiv:2402.18158, written out, with a range that holds 0 and FP16 steps. */
    @ParameterizedTest
    @CsvSource({
        "8, 128, false",
        "4, 8, false",
        "3, 16, false",
        "2, 4, false",
        "8, 16, true",
        "4, 8, true",
        "2, 128, true"
    })
    void valuesEqualTheFormulas(int bits, int group, boolean symmetric) {
        float[] x = values(1);
        for (int i = 0; i < 2 * DIM; i++) {
            x[i] = 10 + 0.1f * x[i]; // on one side of 0
        }
        float[] actual = round(new CacheFormat(bits, group, symmetric, true), x);
        int share = Math.min(group, DIM);
        for (int from = 0; from < x.length; from += share) {
            float low = 0;
            float high = 0;
            for (int i = from; i < from + share; i++) {
                low = Math.min(low, x[i]);
                high = Math.max(high, x[i]);
            }
            int most = symmetric ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
            float range = symmetric ? Math.max(-low, high) : high - low;
            float step = Float.float16ToFloat(Float.floatToFloat16(Math.max(range, 1e-5f) / most));
            float zero = symmetric ? 0 : (float) Math.clamp(Math.rint(-low / step), 0, most);
            for (int i = from; i < from + share; i++) {
                double code = Math.rint(x[i] / step) + zero;
                double kept = Math.clamp(code, symmetric ? -most - 1 : 0, most);
                assertThat(actual[i]).isCloseTo((float) (kept - zero) * step, within(1e-6f));
            }
        }
    }

    /** Half a step, half a step more at the ends from the rounded zero point, and what FP16 takes from the step. */
    @Test
    void errorsStayWithinAStepAndFallWithBitsAndGrowWithGroups() {
        float[] x = values(2);
        double before = Double.POSITIVE_INFINITY;
        for (int bits = 2; bits <= 8; bits++) {
            double error = error(new CacheFormat(bits, DIM, false, true), x);
            assertThat(error).isLessThan(before);
            assertThat(error(new CacheFormat(bits, 4, false, true), x)).isLessThan(error);
            before = error;
        }
        float[] rounded = round(new CacheFormat(4, DIM, false, true), x);
        for (int from = 0; from < x.length; from += DIM) {
            float low = 0;
            float high = 0;
            for (int i = from; i < from + DIM; i++) {
                low = Math.min(low, x[i]);
                high = Math.max(high, x[i]);
            }
            for (int i = from; i < from + DIM; i++) {
                assertThat(Math.abs(rounded[i] - x[i])).isLessThanOrEqualTo((high - low) / 15 * 1.02f);
            }
        }
    }

    @Test
    void aTokenDoesNotChangeWhatIsKeptOfTheOthers() {
        float[] x = values(3);
        float[] other = x.clone();
        for (int head = 0; head < HEADS; head++) {
            for (int i = 0; i < DIM; i++) {
                other[(head * TOKENS + TOKENS - 1) * DIM + i] *= 100;
            }
        }
        CacheFormat format = new CacheFormat(3, 8, false, true);
        float[] one = round(format, x);
        float[] two = round(format, other);
        for (int i = 0; i < x.length; i++) {
            if (i / DIM % TOKENS != TOKENS - 1) {
                assertThat(two[i]).isEqualTo(one[i]);
            }
        }
    }

    @Test
    void bitsCountStepsAndZeroPoints() {
        assertThat(new CacheFormat(4, 128, false, true).bitsPerElement(128)).isEqualTo(4 + 20.0 / 128);
        assertThat(new CacheFormat(4, 128, false, true).bitsPerElement(32)).isEqualTo(4 + 20.0 / 32);
        assertThat(new CacheFormat(8, 32, true, true).bitsPerElement(64)).isEqualTo(8.5);
    }

    @Test
    void eachSiteHasItsOwnFormatAndKeysOneOfTwoPlaces() {
        CacheFormat turned = new CacheFormat(2, DIM, false, true);
        CacheFormat plain = new CacheFormat(2, DIM, false, false);
        CacheQuantization cache = new CacheQuantization(Map.of("b.0.attention.k", turned, "b.1.attention.k", plain));
        Tensor x = Tensors.of(values(4), HEADS, TOKENS, DIM);
        assertThat(cache.round("b.0.attention.k", x)).isSameAs(x);
        assertThat(cache.round("b.0.attention.k_rope", x)).isNotSameAs(x);
        assertThat(cache.round("b.1.attention.k", x)).isNotSameAs(x);
        assertThat(cache.round("b.1.attention.k_rope", x)).isSameAs(x);
        assertThat(cache.round("b.0.attention.v", x)).isSameAs(x);
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        assertThatThrownBy(() -> new CacheFormat(1, 8, false, true))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-311");
        assertThat(new CacheFormat(4, 12, false, true).divides(DIM)).isFalse();
        assertThat(new CacheFormat(4, 128, false, true).divides(DIM)).isTrue();
    }

    private static double error(CacheFormat format, float[] x) {
        float[] rounded = round(format, x);
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += Math.pow(rounded[i] - x[i], 2);
        }
        return sum;
    }

    private static float[] round(CacheFormat format, float[] x) {
        return Tensors.floats(format.round(Tensors.of(x, HEADS, TOKENS, DIM)));
    }

    private static float[] values(int seed) {
        Random random = new Random(seed);
        float[] x = new float[HEADS * TOKENS * DIM];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }
}
