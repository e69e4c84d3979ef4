package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.GroupGrid;
import dev.halftone.format.IntGroup;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.Comparator;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GptqTest {
    private static final int OUT = 37;
    private static final int IN = 160;
    private static final Workers WORKERS = new Workers(2);
    private static final IntGroup INT3 = new IntGroup(3, 32, false);
    private static final Gptq.Options NATURAL = new Gptq.Options(ClipSearch.MIN_MAX, false, false, 0.01);
    private static final Gptq.Options ACT_ORDER = new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void codesEqualThoseOfTheLoopWrittenOutPlainly(boolean actOrder) {
        WeightProblem problem = problem(1, correlated(2));
        Gptq.Options options = actOrder ? ACT_ORDER : new Gptq.Options(ClipSearch.MIN_MAX, false, true, 0.01);
        float[] actual =
                new Gptq(options).solve(problem, INT3, WORKERS).packed().decode();
        // In float32 a value half way between two codes may go the other way, and with it the rest of its row.
        assertThat(Layers.rowsThatDiffer(actual, plainLoop(problem, INT3, actOrder, 0.01), IN))
                .isLessThanOrEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDiagonalHGivesRoundToNearest(boolean actOrder) {
        double[] h = new double[IN * IN];
        for (int i = 0; i < IN; i++) {
            h[i * IN + i] = 0.1 + i % 7;
        }
        WeightProblem problem = problem(3, new Gram(IN, 10_000, h));
        SolvedWeight solved = new Gptq(actOrder ? ACT_ORDER : NATURAL).solve(problem, INT3, WORKERS);
        float[] rtn = new Rtn(ClipSearch.MIN_MAX)
                .solve(problem, INT3, WORKERS)
                .packed()
                .decode();
        assertThat(solved.packed().decode()).isEqualTo(rtn);
        assertThat(solved.codesChanged()).isZero();
        assertThat(solved.proxyLoss()).isCloseTo(solved.rtnLoss(), within(1e-6 * solved.rtnLoss()));
    }

    @Test
    void scalingHChangesNothing() {
        Gram gram = correlated(4);
        double[] scaled = Arrays.stream(gram.h()).map(x -> 4 * x).toArray();
        WeightProblem one = problem(5, gram);
        WeightProblem two = problem(5, new Gram(IN, gram.tokens(), scaled));
        assertThat(new Gptq(ACT_ORDER).solve(two, INT3, WORKERS).packed().decode())
                .isEqualTo(
                        new Gptq(ACT_ORDER).solve(one, INT3, WORKERS).packed().decode());
    }

    @Test
    void theOrderOfTheInputsDoesNotMatterWithActOrderAndOneGridPerRow() {
        IntGroup perRow = new IntGroup(4, IntGroup.ROW, false);
        WeightProblem problem = problem(6, correlated(7));
        int[] shuffle = shuffled(8);
        float[] plain =
                new Gptq(ACT_ORDER).solve(problem, perRow, WORKERS).packed().decode();
        float[] permuted = new Gptq(ACT_ORDER)
                .solve(permuted(problem, shuffle), perRow, WORKERS)
                .packed()
                .decode();
        for (int row = 0; row < OUT; row++) {
            for (int j = 0; j < IN; j++) {
                assertThat(permuted[row * IN + j]).isEqualTo(plain[row * IN + shuffle[j]]);
            }
        }
    }

    @Test
    void theLayersLossFallsFarBelowRoundToNearestOnTheSameGrids() {
        WeightProblem problem = problem(9, correlated(10));
        for (Gptq.Options options : new Gptq.Options[] {NATURAL, ACT_ORDER}) {
            SolvedWeight solved = new Gptq(options).solve(problem, INT3, WORKERS);
            assertThat(solved.proxyLoss()).isLessThan(0.6 * solved.rtnLoss());
            assertThat(solved.codesChanged()).isBetween(0.05, 0.95);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4})
    void theWeightedSearchLowersTheLossItMeasuresThatOfADiagonalH(int bits) {
        double[] h = new double[IN * IN];
        for (int i = 0; i < IN; i++) {
            h[i * IN + i] = 0.1 + i % 7;
        }
        WeightProblem problem = problem(11, new Gram(IN, 10_000, h));
        SolvedWeight solved = new Rtn(ClipSearch.WEIGHTED).solve(problem, new IntGroup(bits, 32, false), WORKERS);
        assertThat(solved.proxyLoss()).isLessThan(0.97 * solved.rtnLoss());
    }

    @Test
    void aDeadInputGetsTheWeightZeroAndAnEvent() {
        Gram gram = correlated(13);
        for (int j = 0; j < IN; j++) {
            gram.h()[5 * IN + j] = 0;
            gram.h()[j * IN + 5] = 0;
        }
        SolvedWeight solved = new Gptq(ACT_ORDER).solve(problem(14, gram), INT3, WORKERS);
        float[] q = solved.packed().decode();
        for (int row = 0; row < OUT; row++) {
            assertThat(q[row * IN + 5]).isZero();
        }
        assertThat(solved.events()).contains(new Event.DeadColumns(1));
    }

    @Test
    void aSingularHRaisesTheDampingAndSaysSo() {
        double[] h = new double[IN * IN];
        Arrays.fill(h, 1.0);
        Gptq.Options undamped = new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0);
        SolvedWeight solved = new Gptq(undamped).solve(problem(15, new Gram(IN, 10, h)), INT3, WORKERS);
        assertThat(solved.events()).hasAtLeastOneElementOfType(Event.DampingRaised.class);
        assertThat(solved.events()).contains(new Event.FewTokens(10, IN));
    }

    @Test
    void anIndefiniteHFallsBackToRoundToNearestAndSaysSo() {
        double[] h = new double[IN * IN];
        for (int i = 0; i < IN; i++) {
            h[i * IN + i] = i == 0 ? 10 : -1;
        }
        WeightProblem problem = problem(16, new Gram(IN, 10_000, h));
        SolvedWeight solved = new Gptq(ACT_ORDER).solve(problem, INT3, WORKERS);
        assertThat(solved.events()).hasAtLeastOneElementOfType(Event.FellBackToRtn.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void theNumberOfThreadsDoesNotMatter(int threads) {
        WeightProblem problem = problem(17, correlated(18));
        try (Workers others = new Workers(threads)) {
            for (Gptq.Options options : new Gptq.Options[] {NATURAL, ACT_ORDER}) {
                SolvedWeight expected = new Gptq(options).solve(problem, INT3, WORKERS);
                SolvedWeight actual = new Gptq(options).solve(problem, INT3, others);
                assertThat(actual.packed().decode()).isEqualTo(expected.packed().decode());
                assertThat(actual.proxyLoss()).isEqualTo(expected.proxyLoss());
            }
        }
    }

    /** tr(D H D^T) by definition, to check the loss that solvers report. */
    @Test
    void theReportedLossIsTheTraceByDefinition() {
        WeightProblem problem = problem(19, correlated(20));
        SolvedWeight solved = new Gptq(ACT_ORDER).solve(problem, INT3, WORKERS);
        double[] h = gram(problem).h();
        float[] q = solved.packed().decode();
        double loss = 0;
        double whole = 0;
        for (int row = 0; row < OUT; row++) {
            for (int i = 0; i < IN; i++) {
                for (int j = 0; j < IN; j++) {
                    int a = row * IN + i;
                    int b = row * IN + j;
                    loss += ((double) problem.weight()[a] - q[a])
                            * h[i * IN + j]
                            * ((double) problem.weight()[b] - q[b]);
                    whole += (double) problem.weight()[a] * h[i * IN + j] * problem.weight()[b];
                }
            }
        }
        assertThat(solved.proxyLoss()).isCloseTo(loss / whole, within(1e-6 * loss / whole));
    }

    /** The loop of the paper's algorithm 1, one column at a time, with U from an explicit inverse. */
    private static float[] plainLoop(WeightProblem problem, IntGroup format, boolean actOrder, double damping) {
        double[] h = gram(problem).h();
        Integer[] order = IntStream.range(0, IN).boxed().toArray(Integer[]::new);
        if (actOrder) {
            Arrays.sort(order, Comparator.comparingDouble(j -> -h[j * IN + j]));
        }
        double mean = IntStream.range(0, IN).mapToDouble(i -> h[i * IN + i]).sum() / IN;
        double[][] ordered = new double[IN][IN];
        for (int i = 0; i < IN; i++) {
            for (int j = 0; j < IN; j++) {
                ordered[i][j] = h[order[i] * IN + order[j]] + (i == j ? damping * mean : 0);
            }
        }
        double[][] u = upperFactor(inverse(ordered));
        float[] result = new float[OUT * IN];
        GroupGrid grid = new GroupGrid(format, ClipSearch.MIN_MAX);
        float[] ones = new float[IN];
        for (int row = 0; row < OUT; row++) {
            double[] w = new double[IN];
            for (int i = 0; i < IN; i++) {
                w[i] = problem.weight()[row * IN + order[i]];
            }
            for (int i = 0; i < IN; i++) {
                int column = order[i];
                int group = column / format.group() * format.group();
                grid.fit(problem.weight(), row * IN + group, ones, group, format.group());
                float q = grid.value(grid.code((float) w[i]));
                result[row * IN + column] = q;
                double error = (w[i] - q) / u[i][i];
                for (int k = i; k < IN; k++) {
                    w[k] -= error * u[i][k];
                }
            }
        }
        return result;
    }

    /** Gauss-Jordan without pivoting: H is positive definite. */
    static double[][] inverse(double[][] a) {
        int n = a.length;
        double[][] left = Arrays.stream(a).map(double[]::clone).toArray(double[][]::new);
        double[][] right = new double[n][n];
        for (int i = 0; i < n; i++) {
            right[i][i] = 1;
        }
        for (int p = 0; p < n; p++) {
            double pivot = left[p][p];
            for (int j = 0; j < n; j++) {
                left[p][j] /= pivot;
                right[p][j] /= pivot;
            }
            for (int i = 0; i < n; i++) {
                double factor = left[i][p];
                for (int j = 0; i != p && j < n; j++) {
                    left[i][j] -= factor * left[p][j];
                    right[i][j] -= factor * right[p][j];
                }
            }
        }
        return right;
    }

    /** U upper with U^T U = A. */
    static double[][] upperFactor(double[][] a) {
        int n = a.length;
        double[][] u = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = i; j < n; j++) {
                double sum = a[i][j];
                for (int k = 0; k < i; k++) {
                    sum -= u[k][i] * u[k][j];
                }
                u[i][j] = i == j ? Math.sqrt(sum) : sum / u[i][i];
            }
        }
        return u;
    }

    private static Gram gram(WeightProblem problem) {
        Gram gram = problem.gram();
        if (gram == null) {
            throw new AssertionError("problem without H");
        }
        return gram;
    }

    private static WeightProblem problem(long seed, Gram gram) {
        RandomGenerator random = random(seed);
        float[] w = new float[OUT * IN];
        for (int i = 0; i < w.length; i++) {
            w[i] = (float) (0.02 * random.nextGaussian());
        }
        return new WeightProblem("w", w, OUT, IN, gram);
    }

    /** Inputs that share a few strong directions, as a network's do, with scales that differ between channels. */
    private static Gram correlated(long seed) {
        RandomGenerator random = random(seed);
        int tokens = 4 * IN;
        int directions = 12;
        double[] mix = random.doubles((long) directions * IN, -1, 1).toArray();
        double[] h = new double[IN * IN];
        double[] x = new double[IN];
        for (int t = 0; t < tokens; t++) {
            Arrays.setAll(x, j -> 0.3 * random.nextGaussian());
            for (int d = 0; d < directions; d++) {
                double strength = random.nextGaussian();
                for (int j = 0; j < IN; j++) {
                    x[j] += strength * mix[d * IN + j] * (1 + j % 5);
                }
            }
            for (int i = 0; i < IN; i++) {
                for (int j = 0; j < IN; j++) {
                    h[i * IN + j] += x[i] * x[j] / tokens;
                }
            }
        }
        return new Gram(IN, tokens, h);
    }

    private static int[] shuffled(long seed) {
        RandomGenerator random = random(seed);
        int[] order = IntStream.range(0, IN).toArray();
        for (int i = IN - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
        return order;
    }

    private static WeightProblem permuted(WeightProblem problem, int[] order) {
        float[] w = new float[OUT * IN];
        double[] h = new double[IN * IN];
        for (int i = 0; i < IN; i++) {
            for (int row = 0; row < OUT; row++) {
                w[row * IN + i] = problem.weight()[row * IN + order[i]];
            }
            for (int j = 0; j < IN; j++) {
                h[i * IN + j] = gram(problem).h()[order[i] * IN + order[j]];
            }
        }
        return new WeightProblem(
                "permuted", w, OUT, IN, new Gram(IN, gram(problem).tokens(), h));
    }

    private static RandomGenerator random(long seed) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }
}
