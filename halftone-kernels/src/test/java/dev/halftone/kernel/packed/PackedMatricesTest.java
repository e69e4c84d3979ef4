package dev.halftone.kernel.packed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PackedMatricesTest {
    private static final RandomGeneratorFactory<RandomGenerator> RANDOM = RandomGeneratorFactory.of("L64X128MixRandom");
    private static final TileKernels PLAIN = new ScalarTiles();
    private static final List<TileKernels> FAST =
            List.of(TileChoice.vector(128), TileChoice.vector(256), TileChoice.vector(512));

    @ParameterizedTest
    @EnumSource
    void everyProviderGivesTheSameBitsAsThePlainTwin(BlockType type) {
        RandomGenerator random = RANDOM.create(type.name().hashCode());
        for (int blocks : new int[] {1, 3, 9}) {
            for (int rows : new int[] {1, 32, 33}) {
                for (int tokens : new int[] {1, 11}) {
                    int columns = columns(type, blocks);
                    SampleBlocks sample = SampleBlocks.random(type, rows, columns, random);
                    float[] x = gaussian(random, tokens * columns);
                    float[] expected = product(PLAIN, sample, x, tokens);
                    for (TileKernels kernels : FAST) {
                        assertThat(product(kernels, sample, x, tokens))
                                .as("%s, %d rows, %d columns, %d tokens", kernels.name(), rows, columns, tokens)
                                .isEqualTo(expected);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void extremesOfCodesAndActivationsDoNotOverflow(BlockType type) {
        int columns = columns(type, 3);
        for (int fill : new int[] {0x00, 0xFF, 0x7F, 0x80, 0x88, 0x77}) {
            SampleBlocks sample = SampleBlocks.filled(type, 33, columns, (byte) fill);
            for (float sign : new float[] {1, -1}) {
                float[] x = new float[columns];
                Arrays.fill(x, sign);
                float[] expected = product(PLAIN, sample, x, 1);
                for (TileKernels kernels : FAST) {
                    assertThat(product(kernels, sample, x, 1))
                            .as("%s, %x", kernels.name(), fill)
                            .isEqualTo(expected);
                }
                checkAgainstFloat64(PLAIN, sample, x, 1);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void theProductIsThatOfTheDecodedWeightsAndTheRoundedActivations(BlockType type) {
        RandomGenerator random = RANDOM.create(type.name().hashCode());
        int columns = columns(type, 20);
        SampleBlocks sample = SampleBlocks.random(type, 40, columns, random);
        float[] x = gaussian(random, 3 * columns);
        checkAgainstFloat64(PLAIN, sample, x, 3);
    }

    @ParameterizedTest
    @EnumSource
    void rowsAreReadBackAsTheFormatSays(BlockType type) {
        RandomGenerator random = RANDOM.create(type.name().hashCode());
        int columns = columns(type, 5);
        SampleBlocks sample = SampleBlocks.random(type, 37, columns, random);
        try (Arena arena = Arena.ofConfined()) {
            StoredMatrix matrix = sample.pack(PLAIN, arena);
            for (int row : new int[] {0, 1, 31, 32, 36}) {
                float[] found = new float[columns + 2];
                matrix.row(row, found, 1);
                for (int c = 0; c < columns; c++) {
                    assertThat(found[1 + c]).as("row %d, column %d", row, c).isEqualTo(sample.weight(row, c));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void neitherPiecesNorTheNumberOfTokensChangeABit(BlockType type) {
        RandomGenerator random = RANDOM.create(type.name().hashCode());
        int columns = columns(type, 70);
        int rows = 100;
        int tokens = 9;
        SampleBlocks sample = SampleBlocks.random(type, rows, columns, random);
        float[] x = gaussian(random, tokens * columns);
        for (TileKernels kernels : FAST) {
            float[] whole = product(kernels, sample, x, tokens);
            try (Arena arena = Arena.ofConfined()) {
                StoredMatrix matrix = sample.pack(kernels, arena);
                for (int t = 0; t < tokens; t++) {
                    float[] one = Arrays.copyOfRange(x, t * columns, (t + 1) * columns);
                    ActivationRows inputs = matrix.inputs(one, 1);
                    float[] y = new float[rows];
                    for (int from = 0; from < rows; from += matrix.tile()) {
                        matrix.multiply(inputs, y, rows, from, Math.min(rows, from + matrix.tile()));
                    }
                    assertThat(y).isEqualTo(Arrays.copyOfRange(whole, t * rows, (t + 1) * rows));
                }
            }
        }
    }

    @Test
    void activationsAreRoundedHalfToEvenAndWhatIsNotFiniteShows() {
        float[] x = new float[64];
        for (int i = 0; i < 32; i++) {
            x[i] = i - 15.5f;
        }
        x[31] = 127;
        for (TileKernels kernels : List.of(PLAIN, FAST.get(0), FAST.get(1), FAST.get(2))) {
            IntegerRows rows = IntegerRows.of(kernels, CodeWidth.FOUR, x, 1, 64);
            assertThat(rows.scales()).containsExactly(1, 0);
            assertThat(rows.code(0, 0, 0)).isEqualTo(-16);
            assertThat(rows.code(0, 0, 1)).isEqualTo(-14);
            assertThat(rows.code(0, 0, 15)).isEqualTo(0);
            assertThat(rows.code(0, 0, 16)).isEqualTo(0);
            assertThat(rows.code(0, 0, 31)).isEqualTo(127);
            for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                float[] broken = x.clone();
                broken[40] = bad;
                SampleBlocks sample = SampleBlocks.filled(BlockType.Q4_0, 3, 64, (byte) 0x31);
                for (float y : product(kernels, sample, broken, 1)) {
                    assertThat(y).as("%s, %s", kernels.name(), bad).isNaN();
                }
            }
        }
    }

    @Test
    void subnormalActivationsStayInRange() {
        for (int top : new int[] {1, 63, 64, 127, 190, 191, 200, 5000}) {
            float[] x = new float[32];
            Arrays.fill(x, top * Float.MIN_VALUE);
            for (TileKernels kernels : FAST) {
                IntegerRows rows = IntegerRows.of(kernels, CodeWidth.FOUR, x, 1, 32);
                assertThat(rows.pairs())
                        .isEqualTo(
                                IntegerRows.of(PLAIN, CodeWidth.FOUR, x, 1, 32).pairs());
                assertThat(rows.code(0, 0, 0)).isBetween(0, 127);
            }
        }
    }

    @Test
    void scalesOfAnySizeAreKept() {
        for (int exponent : new int[] {0x0001, 0x03FF, 0x0400, 0x7BFF, 0x8001, 0xFBFF}) {
            SampleBlocks sample = SampleBlocks.filled(BlockType.Q4_0, 33, 96, (byte) 0x31);
            for (int b = 0; b < 33 * 3; b++) {
                sample.blocks().set(BlockReader.SHORT, 18L * b, (short) (b % 5 == 0 ? exponent : 0x2C00 + b));
            }
            float[] x = gaussian(RANDOM.create(exponent), 96);
            float[] expected = product(PLAIN, sample, x, 1);
            for (TileKernels kernels : FAST) {
                assertThat(product(kernels, sample, x, 1))
                        .as("%s, %x", kernels.name(), exponent)
                        .isEqualTo(expected);
            }
            checkAgainstFloat64(PLAIN, sample, x, 1);
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        try (Arena arena = Arena.ofConfined()) {
            assertThatThrownBy(() -> PackedMatrices.ofQ4Zero(arena.allocate(17), 1, 32, arena, TileLoop.SEQUENTIAL))
                    .hasMessageContaining("17 bytes of Q4_0");
            StoredMatrix four = PackedMatrices.ofQ4Zero(arena.allocate(18L * 40), 40, 32, arena, TileLoop.SEQUENTIAL);
            StoredMatrix eight = PackedMatrices.ofQ8Zero(arena.allocate(34L * 40), 40, 32, arena, TileLoop.SEQUENTIAL);
            assertThat(four.sharesInputs(eight)).isFalse();
            ActivationRows x = four.inputs(new float[32], 1);
            assertThatThrownBy(() -> eight.multiply(x, new float[40], 40, 0, 40))
                    .hasMessageContaining("another matrix");
            assertThatThrownBy(() -> four.multiply(x, new float[40], 40, 16, 40))
                    .hasMessageContaining("rows 16 to 40");
            assertThatThrownBy(() -> four.multiply(x, new float[39], 40, 0, 40)).hasMessageContaining("39 places");
        }
    }

    private static int columns(BlockType type, int blocks) {
        return type.columns() == 1
                ? 7 * blocks
                : type.columns() == 256 ? 256 * Math.ceilDiv(blocks, 3) : type.columns() * blocks;
    }

    private static float[] product(TileKernels kernels, SampleBlocks sample, float[] x, int tokens) {
        try (Arena arena = Arena.ofConfined()) {
            StoredMatrix matrix = sample.pack(kernels, arena);
            float[] y = new float[tokens * sample.rows()];
            matrix.multiply(matrix.inputs(x, tokens), y, sample.rows(), 0, sample.rows());
            return y;
        }
    }

    private static void checkAgainstFloat64(TileKernels kernels, SampleBlocks sample, float[] x, int tokens) {
        float[] y = product(kernels, sample, x, tokens);
        double[] rounded = sample.type().columns() == 1 ? doubles(x) : rounded(kernels, x, tokens, sample.columns());
        for (int t = 0; t < tokens; t++) {
            for (int row = 0; row < sample.rows(); row++) {
                double sum = 0;
                double size = 0;
                for (int c = 0; c < sample.columns(); c++) {
                    double product = sample.weight(row, c) * rounded[t * sample.columns() + c];
                    sum += product;
                    size += Math.abs(product);
                }
                assertThat(Math.abs(y[t * sample.rows() + row] - sum)).isLessThanOrEqualTo(1e-6 * size);
            }
        }
    }

    private static double[] rounded(TileKernels kernels, float[] x, int tokens, int columns) {
        IntegerRows rows = IntegerRows.of(kernels, CodeWidth.FOUR, x, tokens, columns);
        double[] result = new double[x.length];
        for (int t = 0; t < tokens; t++) {
            for (int c = 0; c < columns; c++) {
                int block = c / CodeWidth.BLOCK;
                double scale = rows.scales()[block * tokens + t];
                result[t * columns + c] = scale * rows.code(t, block, c % CodeWidth.BLOCK);
            }
        }
        return result;
    }

    private static double[] doubles(float[] x) {
        double[] result = new double[x.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = x[i];
        }
        return result;
    }

    static float[] gaussian(RandomGenerator random, int count) {
        float[] x = new float[count];
        for (int i = 0; i < count; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }
}
