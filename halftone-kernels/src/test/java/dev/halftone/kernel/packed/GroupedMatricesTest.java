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
import org.junit.jupiter.params.provider.ValueSource;

class GroupedMatricesTest {
    private static final RandomGeneratorFactory<RandomGenerator> RANDOM = RandomGeneratorFactory.of("L64X128MixRandom");
    private static final TileKernels PLAIN = new ScalarTiles();
    private static final List<TileKernels> FAST =
            List.of(TileChoice.vector(128), TileChoice.vector(256), TileChoice.vector(512));
    private static final float[] NONE = {};
    private static final int ROWS = 41;
    /** Eight together and one by itself. */
    private static final int TOKENS = 9;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void codesInGroupsAreMultipliedAndReadBackExactly(int bits) {
        RandomGenerator random = RANDOM.create(bits);
        for (int columns : new int[] {1, 31, 32, 33, 96, 200}) {
            for (int group : new int[] {32, 64, 128, 224}) {
                int[][] codes = codes(bits, columns, random);
                int numbers = ROWS * Math.ceilDiv(columns, group);
                float[] scales = PackedMatricesTest.gaussian(random, numbers);
                check(new CodeGroups(bits, ROWS, columns, group, 1 << (bits - 1), halves(scales), NONE), codes, random);
                check(new CodeGroups(bits, ROWS, columns, group, 0, scales, scales.clone()), codes, random);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 6})
    void halvesOfBlocksMayHaveScalesOfTheirOwn(int bits) {
        RandomGenerator random = RANDOM.create(10 + bits);
        for (int columns : new int[] {16, 17, 48, 100}) {
            for (int group : new int[] {16, 48}) {
                float[] scales = PackedMatricesTest.gaussian(random, ROWS * Math.ceilDiv(columns, group));
                check(
                        new CodeGroups(bits, ROWS, columns, group, 0, scales, scales.clone()),
                        codes(bits, columns, random),
                        random);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void theLargestSumsDoNotOverflow(int bits) {
        for (int code : new int[] {0, (1 << bits) - 1}) {
            int[][] codes = new int[ROWS][96];
            for (int[] row : codes) {
                Arrays.fill(row, code);
            }
            for (int zero : new int[] {0, 1 << (bits - 1), 1 << bits}) {
                float[] scales = new float[ROWS * 3];
                Arrays.fill(scales, 1);
                CodeGroups groups = new CodeGroups(bits, ROWS, 96, 32, zero, scales, NONE);
                for (float x : new float[] {127, -127}) {
                    float[] input = new float[96];
                    Arrays.fill(input, x);
                    for (TileKernels kernels : all()) {
                        float[] y = product(kernels, groups, codes, input, 1);
                        assertThat(y)
                                .as("%s, %d - %d", kernels.name(), code, zero)
                                .containsOnly(96f * ((int) (x * (code - zero))));
                    }
                }
            }
        }
    }

    @Test
    void tablesOfLevelsAreMultipliedAlikeByAllProviders() {
        RandomGenerator random = RANDOM.create(20);
        float[] levels = PackedMatricesTest.gaussian(random, 16);
        Arrays.sort(levels);
        for (int columns : new int[] {1, 31, 32, 33, 64, 2100}) {
            for (int tokens : new int[] {1, 3}) {
                int[][] codes = codes(4, columns, random);
                float[] scales = PackedMatricesTest.gaussian(random, ROWS * Math.ceilDiv(columns, 64));
                CodeGroups groups = new CodeGroups(4, ROWS, columns, 64, 0, scales, NONE);
                float[] x = PackedMatricesTest.gaussian(random, tokens * columns);
                float[] expected = levelProduct(PLAIN, groups, levels, codes, x, tokens);
                for (TileKernels kernels : FAST) {
                    assertThat(levelProduct(kernels, groups, levels, codes, x, tokens))
                            .as("%s, %d columns", kernels.name(), columns)
                            .isEqualTo(expected);
                }
                for (int t = 0; t < tokens; t++) {
                    for (int row = 0; row < ROWS; row++) {
                        double sum = 0;
                        double size = 0;
                        for (int c = 0; c < columns; c++) {
                            double product = (double) levels[codes[row][c]]
                                    * scales[row * Math.ceilDiv(columns, 64) + c / 64]
                                    * x[t * columns + c];
                            sum += product;
                            size += Math.abs(product);
                        }
                        assertThat(Math.abs(expected[t * ROWS + row] - sum)).isLessThanOrEqualTo(1e-6 * size);
                    }
                }
            }
        }
    }

    @Test
    void differencesAreAddedToTheWeightsTheyBelongTo() {
        RandomGenerator random = RANDOM.create(30);
        int columns = 70;
        int[][] codes = codes(3, columns, random);
        float[] scales = PackedMatricesTest.gaussian(random, ROWS * 3);
        CodeGroups groups = new CodeGroups(3, ROWS, columns, 32, 4, scales, NONE);
        int[] starts = new int[ROWS + 1];
        int[] places = new int[ROWS * 2];
        float[] differences = PackedMatricesTest.gaussian(random, ROWS * 2);
        for (int row = 0; row < ROWS; row++) {
            starts[row + 1] = 2 * row + 2;
            places[2 * row] = row;
            places[2 * row + 1] = row + 29;
        }
        float[] x = PackedMatricesTest.gaussian(random, 2 * columns);
        for (TileKernels kernels : all()) {
            try (Arena arena = Arena.ofConfined()) {
                StoredMatrix dense = pack(kernels, groups, codes, arena);
                StoredMatrix matrix = PackedMatrices.withDifferences(dense, starts, places, differences);
                assertThat(matrix.sharesInputs(dense)).isFalse();
                float[] plain = multiply(dense, x, 2);
                float[] found = multiply(matrix, x, 2);
                float[] before = new float[columns];
                float[] after = new float[columns];
                for (int row = 0; row < ROWS; row++) {
                    dense.row(row, before, 0);
                    matrix.row(row, after, 0);
                    for (int i = 2 * row; i < 2 * row + 2; i++) {
                        assertThat(after[places[i]]).isEqualTo(before[places[i]] + differences[i]);
                    }
                    for (int t = 0; t < 2; t++) {
                        float expected = plain[t * ROWS + row];
                        for (int i = 2 * row; i < 2 * row + 2; i++) {
                            expected = Math.fma(differences[i], x[t * columns + places[i]], expected);
                        }
                        assertThat(found[t * ROWS + row]).isEqualTo(expected);
                    }
                }
                assertThatThrownBy(() -> PackedMatrices.withDifferences(dense, starts, places, new float[3]))
                        .hasMessageContaining("do not fit");
                int[] unsorted = places.clone();
                unsorted[0] = 60;
                assertThatThrownBy(() -> PackedMatrices.withDifferences(dense, starts, unsorted, differences))
                        .hasMessageContaining("do not fit");
            }
        }
    }

    @Test
    void groupsThatCannotBeAreRefused() {
        assertThatThrownBy(() -> new CodeGroups(3, 2, 64, 16, 0, new float[8], NONE))
                .hasMessageContaining("groups of 16");
        assertThatThrownBy(() -> new CodeGroups(9, 2, 64, 32, 0, new float[4], NONE))
                .hasMessageContaining("9 bits");
        assertThatThrownBy(() -> new CodeGroups(4, 2, 64, 32, 0, new float[3], NONE))
                .hasMessageContaining("3 scales");
        CodeGroups groups = new CodeGroups(4, 1, 32, 32, 0, new float[1], NONE);
        int[][] codes = new int[1][32];
        codes[0][7] = 16;
        try (Arena arena = Arena.ofConfined()) {
            assertThatThrownBy(() -> pack(PLAIN, groups, codes, arena)).hasMessageContaining("code 16");
        }
    }

    private static void check(CodeGroups groups, int[][] codes, RandomGenerator random) {
        int columns = groups.columns();
        float[] x = PackedMatricesTest.gaussian(random, TOKENS * columns);
        float[] expected = product(PLAIN, groups, codes, x, TOKENS);
        for (TileKernels kernels : FAST) {
            assertThat(product(kernels, groups, codes, x, TOKENS))
                    .as("%s, %s", kernels.name(), groups)
                    .isEqualTo(expected);
        }
        try (Arena arena = Arena.ofConfined()) {
            StoredMatrix matrix = pack(PLAIN, groups, codes, arena);
            float[] row = new float[columns];
            for (int r = 0; r < ROWS; r += 8) {
                matrix.row(r, row, 0);
                for (int c = 0; c < columns; c++) {
                    int at = r * Math.ceilDiv(columns, groups.group()) + c / groups.group();
                    float value = groups.scales()[at] * (codes[r][c] - groups.zero());
                    float[] minima = groups.minima();
                    assertThat(row[c]).isEqualTo(minima.length == 0 ? value : value + minima[at]);
                }
            }
        }
        IntegerRows rounded = IntegerRows.of(PLAIN, CodeWidth.EIGHT, x, TOKENS, columns);
        for (int r = 0; r < ROWS; r++) {
            double sum = 0;
            double size = 0;
            for (int c = 0; c < columns; c++) {
                int at = r * Math.ceilDiv(columns, groups.group()) + c / groups.group();
                float[] minima = groups.minima();
                double scaled = (double) groups.scales()[at] * (codes[r][c] - groups.zero());
                double minimum = minima.length == 0 ? 0 : minima[at];
                double input = (double) rounded.scales()[c / 32 * TOKENS] * rounded.code(0, c / 32, c % 32);
                sum += (scaled + minimum) * input;
                size += (Math.abs(scaled) + Math.abs(minimum)) * Math.abs(input);
            }
            assertThat(Math.abs(expected[r] - sum)).isLessThanOrEqualTo(1e-6 * size);
        }
    }

    private static List<TileKernels> all() {
        return List.of(PLAIN, FAST.get(0), FAST.get(1), FAST.get(2));
    }

    private static int[][] codes(int bits, int columns, RandomGenerator random) {
        int[][] codes = new int[ROWS][];
        for (int row = 0; row < ROWS; row++) {
            codes[row] = random.ints(columns, 0, 1 << bits).toArray();
        }
        return codes;
    }

    /** The nearest FP16 numbers. */
    private static float[] halves(float[] x) {
        float[] result = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            result[i] = Float.float16ToFloat(Float.floatToFloat16(x[i]));
        }
        return result;
    }

    private static StoredMatrix pack(TileKernels kernels, CodeGroups groups, int[][] codes, Arena arena) {
        return GroupPacking.pack(kernels, groups, reader(codes), arena, TileLoop.SEQUENTIAL);
    }

    private static CodeGroups.Codes reader(int[][] codes) {
        return (row, target) -> System.arraycopy(codes[row], 0, target, 0, target.length);
    }

    private static float[] product(TileKernels kernels, CodeGroups groups, int[][] codes, float[] x, int tokens) {
        try (Arena arena = Arena.ofConfined()) {
            return multiply(pack(kernels, groups, codes, arena), x, tokens);
        }
    }

    private static float[] levelProduct(
            TileKernels kernels, CodeGroups groups, float[] levels, int[][] codes, float[] x, int tokens) {
        try (Arena arena = Arena.ofConfined()) {
            return multiply(
                    GroupPacking.packLevels(kernels, groups, levels, reader(codes), arena, TileLoop.SEQUENTIAL),
                    x,
                    tokens);
        }
    }

    private static float[] multiply(StoredMatrix matrix, float[] x, int tokens) {
        float[] y = new float[tokens * matrix.rows()];
        matrix.multiply(matrix.inputs(x, tokens), y, matrix.rows(), 0, matrix.rows());
        return y;
    }
}
