package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.format.gguf.BlockBytes;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.format.gguf.BlockRow;
import dev.halftone.format.gguf.BlockWeight;
import dev.halftone.format.gguf.RowQuantizer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights whose scales are multiplied: by 1 nothing changes, by 2 every value doubles, and so does nothing beside the codes. */
class ScalableWeightTest {
    private static final int OUT = 3;
    private static final int IN = 512;

    private static float[] values(long seed) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        float[] values = new float[OUT * IN];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (0.05 * random.nextGaussian());
        }
        return values;
    }

    private static float[] decoded(ScalableWeight weight, float factor) {
        float[] factors = new float[weight.out() * weight.groups()];
        Arrays.fill(factors, factor);
        return decoded(weight, weight.times(factors));
    }

    private static float[] decoded(ScalableWeight weight, ScalableWeight.Scaled scaled) {
        float[] all = new float[weight.out() * weight.in()];
        float[] row = new float[weight.in()];
        for (int i = 0; i < weight.out(); i++) {
            scaled.decodeRow(i, row);
            System.arraycopy(row, 0, all, i * row.length, row.length);
        }
        return all;
    }

    private static void assertDoubled(float[] found, float[] values) {
        for (int i = 0; i < values.length; i++) {
            assertThat(found[i]).as("%d", i).isEqualTo(2 * values[i]);
        }
    }

    private static BlockWeight blocks(BlockLayout layout) {
        byte[] bytes = new byte[OUT * layout.rowBytes(IN)];
        float[] x = values(1);
        for (int i = 0; i < OUT; i++) {
            BlockRow row = new BlockRow(layout, IN);
            RowQuantizer.of(layout).quantize(Arrays.copyOfRange(x, i * IN, (i + 1) * IN), 0, null, row);
            BlockBytes.write(row, bytes, i * layout.rowBytes(IN));
        }
        return new BlockWeight(layout, OUT, IN, MemorySegment.ofArray(bytes));
    }

    @ParameterizedTest
    @EnumSource(value = BlockLayout.class, names = "MXFP4", mode = EnumSource.Mode.EXCLUDE)
    void blocksOfGgufTypes(BlockLayout layout) {
        BlockWeight stored = blocks(layout);
        ScalableWeight weight = ScalableWeight.of(stored).orElseThrow();
        assertThat(weight.groups()).isEqualTo(IN / layout.block());
        assertThat(decoded(weight, 1)).isEqualTo(stored.decode());
        assertDoubled(decoded(weight, 2), stored.decode());
    }

    /** Only what a factor belongs to moves. */
    @ParameterizedTest
    @EnumSource(value = BlockLayout.class, names = "MXFP4", mode = EnumSource.Mode.EXCLUDE)
    void oneBlockAlone(BlockLayout layout) {
        BlockWeight stored = blocks(layout);
        ScalableWeight weight = ScalableWeight.of(stored).orElseThrow();
        float[] factors = new float[OUT * weight.groups()];
        Arrays.fill(factors, 1);
        int row = 1;
        int group = weight.groups() - 1;
        factors[row * weight.groups() + group] = 2;
        float[] found = decoded(weight, weight.times(factors));
        float[] values = stored.decode();
        for (int i = 0; i < values.length; i++) {
            boolean own = i / IN == row && weight.groupOf(i % IN) == group;
            assertThat(found[i]).as("%d", i).isEqualTo(own ? 2 * values[i] : values[i]);
        }
    }

    @ParameterizedTest
    @EnumSource(value = BlockLayout.class, names = "MXFP4")
    void aScaleThatIsAPowerOfTwoIsNone(BlockLayout layout) {
        assertThat(ScalableWeight.of(blocks(layout))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"ASYM", "SYM", "AFFINE"})
    void integersWithOutliersBesideThem(GridMode mode) {
        IntGroup format = new IntGroup(4, 64, mode, ScaleType.F16, 1, false);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(2);
        int grids = OUT * format.groups(IN);
        byte[] codes = new byte[OUT * IN];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) random.nextInt(format.lowest(), format.largest() + 1);
        }
        byte[] zeros = new byte[grids];
        Arrays.fill(zeros, (byte) 7);
        float[] scales = new float[grids];
        Arrays.fill(scales, 0.125f);
        PackedWeight dense =
                PackedWeight.of(format, OUT, IN, new GridCodes(codes, scales, zeros, scales.clone(), 1, new int[0]));
        Outliers outliers = Outliers.ofWeights(IN, new int[][] {{}, {5, 300}, {}}, new float[][] {{}, {3, -2}, {}});
        OutlierWeight stored = new OutlierWeight(dense, outliers);
        ScalableWeight weight = ScalableWeight.of(stored).orElseThrow();
        assertThat(decoded(weight, 1)).isEqualTo(stored.decode());
        float[] doubled = dense.decode();
        for (int i = 0; i < doubled.length; i++) {
            doubled[i] *= 2;
        }
        for (int row = 0; row < OUT; row++) {
            outliers.add(row, doubled, row * IN);
        }
        assertThat(decoded(weight, 2)).isEqualTo(doubled);
    }
}
