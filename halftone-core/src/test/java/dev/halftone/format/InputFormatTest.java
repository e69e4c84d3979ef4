package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.format.InputFormat.Float8;
import dev.halftone.format.InputFormat.Granularity;
import dev.halftone.format.InputFormat.Int;
import dev.halftone.format.InputFormat.Numbers;
import dev.halftone.format.InputFormat.Range;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InputFormatTest {
    private static final int TOKENS = 5;
    private static final int CHANNELS = 24;

    @BeforeAll
    static void load() {
        Torch.load();
    }

    /** Against the formulas, written out in float32. */
    @ParameterizedTest
    @CsvSource({
        "8, true, TENSOR",
        "8, true, TOKEN",
        "4, true, GROUP",
        "8, true, STATIC",
        "2, true, TOKEN",
        "8, false, TENSOR",
        "4, false, TOKEN",
        "3, false, GROUP",
        "8, false, STATIC"
    })
    void integersEqualTheFormulas(int bits, boolean symmetric, Granularity granularity) {
        float[] x = values(7);
        InputFormat format =
                new InputFormat(new Int(bits, symmetric), granularity, granularity == Granularity.GROUP ? 8 : 0);
        Range range = granularity == Granularity.STATIC ? new Range(-1.5f, 2.25f) : null;
        float[] actual = round(format, x, range);
        int share = switch (granularity) {
            case TENSOR, STATIC -> x.length;
            case TOKEN -> CHANNELS;
            case GROUP -> 8;
        };
        for (int from = 0; from < x.length; from += share) {
            float least = range == null ? Float.POSITIVE_INFINITY : range.least();
            float most = range == null ? Float.NEGATIVE_INFINITY : range.most();
            for (int i = from; i < from + share && range == null; i++) {
                least = Math.min(least, x[i]);
                most = Math.max(most, x[i]);
            }
            for (int i = from; i < from + share; i++) {
                assertThat(actual[i]).as("element " + i).isEqualTo(expected(x[i], bits, symmetric, least, most));
            }
        }
    }

    private static float expected(float x, int bits, boolean symmetric, float least, float most) {
        if (symmetric) {
            int largest = (1 << (bits - 1)) - 1;
            float step = Math.max(Math.abs(least), Math.abs(most)) / largest;
            return (float) Math.clamp(Math.rint(x / step), -largest, largest) * step;
        }
        int largest = (1 << bits) - 1;
        float low = Math.min(0, least);
        float step = (Math.max(0, most) - low) / largest;
        double zero = Math.rint(-low / step);
        return (float) (Math.clamp(Math.rint(x / step) + zero, 0, largest) - zero) * step;
    }

    @ParameterizedTest
    @CsvSource({"E4M3, 0.0625", "E5M2, 0.125"})
    void floatsKeepTheirRelativePrecision(Float8 grid, float relative) {
        float[] x = values(9);
        float[] actual = round(new InputFormat(grid, Granularity.TOKEN, 0), x, null);
        for (int token = 0; token < TOKENS; token++) {
            float most = 0;
            for (int c = 0; c < CHANNELS; c++) {
                most = Math.max(most, Math.abs(x[token * CHANNELS + c]));
            }
            for (int c = 0; c < CHANNELS; c++) {
                int i = token * CHANNELS + c;
                assertThat(Math.abs(actual[i] - x[i])).isLessThanOrEqualTo(relative * Math.abs(x[i]) + 1e-6f * most);
                if (Math.abs(x[i]) == most) {
                    assertThat(actual[i]).isCloseTo(x[i], within(1e-6f * most));
                }
            }
        }
    }

    @Test
    void staticScaleOfTheSameRangeEqualsTheDynamicOne() {
        float[] x = values(3);
        float least = 0;
        float most = 0;
        for (float value : x) {
            least = Math.min(least, value);
            most = Math.max(most, value);
        }
        for (Numbers grid : new Numbers[] {new Int(8, true), new Int(4, false), Float8.E4M3}) {
            assertThat(round(new InputFormat(grid, Granularity.STATIC, 0), x, new Range(least, most)))
                    .isEqualTo(round(new InputFormat(grid, Granularity.TENSOR, 0), x, null));
        }
    }

    @Test
    void staticScaleClampsWhatCalibrationHasNotSeen() {
        InputFormat format = new InputFormat(new Int(8, true), Granularity.STATIC, 0);
        float[] actual = round(format, new float[] {10, -10, 0.5f, 0}, 1, 4, new Range(-1, 0.5f));
        assertThat(actual).containsExactly(new float[] {1, -1, 0.5f, 0}, within(0.005f));
    }

    @Test
    void zerosStayZerosAndTheInputStaysAsItIs() {
        for (Granularity granularity : new Granularity[] {Granularity.TENSOR, Granularity.TOKEN, Granularity.GROUP}) {
            for (Numbers grid : new Numbers[] {new Int(8, true), new Int(8, false), Float8.E5M2}) {
                InputFormat format = new InputFormat(grid, granularity, granularity == Granularity.GROUP ? 8 : 0);
                assertThat(round(format, new float[TOKENS * CHANNELS], null)).containsOnly(0f);
            }
        }
        float[] x = values(1);
        Torch.inScope(() -> {
            Tensor tensor = Tensors.of(x, TOKENS, CHANNELS);
            new InputFormat(new Int(2, true), Granularity.TOKEN, 0).round(tensor, null);
            assertThat(Tensors.floats(tensor)).isEqualTo(x);
        });
    }

    @Test
    void outliersOfATokenDoNotHurtAnotherToken() {
        float[] x = values(2);
        x[3] = 4000;
        float[] tokens = round(new InputFormat(new Int(8, true), Granularity.TOKEN, 0), x, null);
        float[] tensor = round(new InputFormat(new Int(8, true), Granularity.TENSOR, 0), x, null);
        double byToken = 0;
        double byTensor = 0;
        for (int i = CHANNELS; i < x.length; i++) {
            byToken += Math.abs(tokens[i] - x[i]);
            byTensor += Math.abs(tensor[i] - x[i]);
        }
        assertThat(byToken).isLessThan(byTensor / 50);
    }

    @Test
    void bfloat16StaysBfloat16() {
        Torch.inScope(() -> {
            Tensor x = Tensors.of(values(4), TOKENS, CHANNELS).to(ScalarType.BFloat16);
            Tensor rounded = new InputFormat(new Int(8, true), Granularity.TOKEN, 0).round(x, null);
            assertThat(rounded.scalar_type().intern()).isEqualTo(ScalarType.BFloat16);
        });
    }

    /** Block by block and scale by scale, by the rules that weights are packed with. */
    @ParameterizedTest
    @CsvSource({
        "mxfp4, TOKEN, 0", "mxfp6_e3m2, TOKEN, 0", "mxint8, TOKEN, 0", "nvfp4, TOKEN, 0", "nvfp4, TENSOR, 0",
        "nvint4, STATIC, 0", "fp6_e2m3, TOKEN, 0", "fp4_e2m1, GROUP, 8", "nf4, TENSOR, 0", "fp6_e3m2, STATIC, 0"
    })
    void levelsAreRoundedAsWeightsAre(String name, Granularity granularity, int group) {
        int channels = 64;
        float[] x = new float[TOKENS * channels];
        Random random = new Random(5);
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian() * (1 + i / channels);
        }
        LevelGroup weights = LevelGroup.named(name).orElseThrow();
        float most = 0;
        for (float value : x) {
            most = Math.max(most, Math.abs(value));
        }
        Range range = granularity == Granularity.STATIC ? new Range(-most, 0.5f * most) : null;
        InputFormat format = new InputFormat(Numbers.named(name, true).orElseThrow(), granularity, group);
        float[] actual = round(format, x, TOKENS, channels, range);
        int share = granularity == Granularity.TOKEN ? channels : granularity == Granularity.GROUP ? group : x.length;
        int length = weights.group() == NumberFormat.ROW ? share : weights.group();
        LevelGroup exact = weights.scale() == ScaleType.F16 ? weights.withScale(ScaleType.F32) : weights;
        float[] ones = new float[length];
        for (int from = 0; from < x.length; from += share) {
            float[] part = java.util.Arrays.copyOfRange(x, from, from + share);
            for (int at = from; at < from + share; at += length) {
                LevelGrid grid = new LevelGrid(exact, ClipSearch.MIN_MAX, exact.unit(part));
                grid.fit(GroupValues.run(x, at, length), ColumnWeights.of(ones, 0));
                for (int i = at; i < at + length; i++) {
                    assertThat(actual[i]).as("%s, element %d", name, i).isEqualTo(grid.value(grid.code(x[i])));
                }
            }
        }
    }

    @Test
    void whatIsNotANumberStaysVisibleInEveryFormat() {
        float[] x = new float[64];
        x[3] = Float.NaN;
        x[40] = 1;
        for (String name : LevelGroup.names()) {
            InputFormat format = new InputFormat(Numbers.named(name, true).orElseThrow(), Granularity.TOKEN, 0);
            assertThat(round(format, x, 1, 64, null)[3]).as(name).isNaN();
        }
    }

    @Test
    void rangeBelongsToStaticFormatsAlone() {
        float[] x = values(1);
        assertThatThrownBy(() -> round(new InputFormat(Float8.E4M3, Granularity.STATIC, 0), x, null))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> round(new InputFormat(Float8.E4M3, Granularity.TOKEN, 0), x, new Range(0, 1)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static float[] round(InputFormat format, float[] x, @Nullable Range range) {
        return round(format, x, TOKENS, CHANNELS, range);
    }

    private static float[] round(InputFormat format, float[] x, int tokens, int channels, @Nullable Range range) {
        float[][] result = new float[1][];
        Torch.inScope(() -> result[0] = Tensors.floats(format.round(Tensors.of(x, tokens, channels), range)));
        return result[0];
    }

    private static float[] values(long seed) {
        Random random = new Random(seed);
        float[] x = new float[TOKENS * CHANNELS];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian() * (1 + i % 5);
        }
        return x;
    }
}
