package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.OutlierWeight;
import dev.halftone.format.ScaleType;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class OutlierChooserTest {
    private static final int OUT = 48;
    private static final int IN = 96;
    private static final Workers WORKERS = new Workers(2);
    private static final IntGroup INT3 = new IntGroup(3, 32, GridMode.AFFINE, ScaleType.F16, 1, false);
    private static final Rtn RTN = new Rtn(ClipSearch.MIN_MAX);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    private static List<OutlierChooser> choosers() {
        return List.of(
                new MagnitudeChooser(), new RandomChooser(3), new SensitivityChooser(0.01), new ThresholdChooser(4));
    }

    private static WeightProblem heavyTailed(long seed) {
        WeightProblem problem = Layers.problem(seed, OUT, Layers.correlated(seed + 1, IN));
        RandomGenerator random = Layers.random(seed + 2);
        for (int i = 0; i + 40 <= problem.weight().length; i += 50) {
            problem.weight()[i + random.nextInt(40)] *= 8;
        }
        return problem;
    }

    @Test
    void theLargestAreExactlyAsManyAsAskedForAndOfEqualOnesTheFirst() {
        float[] scores = {3, 1, 3, Float.NaN, 0, 3, 2, 1e-30f};
        assertThat(OutlierMask.largest(scores, 2).places()).containsExactly(0, 2);
        assertThat(OutlierMask.largest(scores, 4).places()).containsExactly(0, 2, 5, 6);
        assertThat(OutlierMask.largest(scores, 6).places()).containsExactly(0, 1, 2, 5, 6, 7);
        assertThat(OutlierMask.largest(scores, 7).places()).containsExactly(0, 1, 2, 3, 5, 6, 7);
        assertThat(OutlierMask.largest(scores, 0).size()).isZero();
        assertThat(OutlierMask.largest(scores, 99).size()).isEqualTo(8);
        float[] many = new float[5000];
        RandomGenerator random = Layers.random(1);
        for (int i = 0; i < many.length; i++) {
            many[i] = (float) Math.exp(8 * random.nextGaussian());
        }
        float[] sorted = many.clone();
        Arrays.sort(sorted);
        for (int count : new int[] {1, 17, 2500, 4999}) {
            OutlierMask mask = OutlierMask.largest(many, count);
            assertThat(mask.size()).isEqualTo(count);
            for (int i = 0; i < many.length; i++) {
                assertThat(mask.has(i)).isEqualTo(many[i] >= sorted[many.length - count]);
            }
        }
    }

    @Test
    void everyRuleChoosesAsManyAndTheSameAgain() {
        WeightProblem problem = heavyTailed(4);
        for (OutlierChooser chooser : choosers()) {
            int[] places = chooser.choose(problem, INT3, 46, WORKERS).places();
            assertThat(places).as(chooser.name()).hasSize(46);
            assertThat(chooser.choose(problem, INT3, 46, WORKERS).places()).isEqualTo(places);
        }
        assertThat(new RandomChooser(4).choose(problem, INT3, 46, WORKERS).places())
                .isNotEqualTo(
                        new RandomChooser(3).choose(problem, INT3, 46, WORKERS).places());
    }

    @Test
    void magnitudesAreThoseAboveAQuantileWhateverTheSignsAndTheScale() {
        WeightProblem problem = heavyTailed(5);
        int[] places =
                new MagnitudeChooser().choose(problem, INT3, 100, WORKERS).places();
        float[] w = problem.weight();
        double threshold =
                IntStream.of(places).mapToDouble(at -> Math.abs(w[at])).min().orElseThrow();
        assertThat(IntStream.range(0, w.length).filter(at -> Math.abs(w[at]) >= threshold))
                .hasSize(100);
        for (int at = 0; at < w.length; at++) {
            w[at] *= at % 3 == 0 ? -4 : 4;
        }
        assertThat(new MagnitudeChooser().choose(problem, INT3, 100, WORKERS).places())
                .isEqualTo(places);
    }

    @Test
    void gradientsRankByThemselvesAndByWhatTheyAreMultipliedWith() {
        WeightProblem problem = heavyTailed(6);
        float[] gradient = new float[problem.weight().length];
        Arrays.fill(gradient, 1);
        gradient[77] = 2;
        assertThat(new GradientChooser(GradientChooser.Score.GRADIENT, 1)
                        .choose(gradient, problem, INT3, 1, WORKERS)
                        .places())
                .containsExactly(77);
        gradient[77] = 1;
        assertThat(new GradientChooser(GradientChooser.Score.REMOVAL, 1)
                        .choose(gradient, problem, INT3, 40, WORKERS)
                        .places())
                .isEqualTo(new MagnitudeChooser()
                        .choose(problem, INT3, 40, WORKERS)
                        .places());
        float[] rtn = RTN.solve(problem, INT3, WORKERS).packed().decode();
        int[] worst = new GradientChooser(GradientChooser.Score.ROUNDING, 1)
                .choose(gradient, problem, INT3, 40, WORKERS)
                .places();
        double least = IntStream.of(worst)
                .mapToDouble(at -> Math.abs(problem.weight()[at] - rtn[at]))
                .min()
                .orElseThrow();
        assertThat(IntStream.range(0, rtn.length).filter(at -> Math.abs(problem.weight()[at] - rtn[at]) > least))
                .hasSizeLessThan(41);
    }

    @Test
    void keptWeightsComeBackAndTheOthersAreRoundedOnGridsWithoutThem() {
        WeightProblem problem = heavyTailed(7);
        OutlierChoice choice = new OutlierChoice(new MagnitudeChooser(), 0.02);
        OutlierMask mask = new MagnitudeChooser().choose(problem, INT3, choice.count(problem), WORKERS);
        SolvedWeight solved = new OutlierSplit(RTN, choice).solve(problem, INT3, WORKERS);
        float[] q = solved.packed().decode();
        OutlierWeight packed = (OutlierWeight) solved.packed();
        assertThat(packed.outliers().count()).isEqualTo(choice.count(problem)).isEqualTo(mask.size());
        float[] dense = packed.dense().decode();
        for (int row = 0; row < OUT; row++) {
            for (int first = row * IN; first < (row + 1) * IN; first += 32) {
                float low = Float.POSITIVE_INFINITY;
                float high = Float.NEGATIVE_INFINITY;
                for (int at = first; at < first + 32; at++) {
                    low = mask.has(at) ? low : Math.min(low, problem.weight()[at]);
                    high = mask.has(at) ? high : Math.max(high, problem.weight()[at]);
                }
                float step = (high - low) / 7;
                for (int at = first; at < first + 32; at++) {
                    float w = problem.weight()[at];
                    // Half a step of FP16 of what is stored, or half a step of the grid with its own rounding.
                    float most = mask.has(at) ? Math.abs(w - dense[at]) / 2048 + 2e-8f : step * 0.505f + 1e-4f;
                    assertThat(Math.abs(w - q[at])).isLessThanOrEqualTo(most);
                }
            }
        }
        assertThat(solved.proxyLoss()).isLessThan(0.7 * solved.rtnLoss());
    }

    @Test
    void noShareIsTheMethodAloneAndTheWholeShareIsTheWeight() {
        WeightProblem problem = heavyTailed(8);
        for (WeightSolver base :
                List.of(RTN, new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01)), quantEase())) {
            for (OutlierChooser chooser : choosers()) {
                SolvedWeight none = new OutlierSplit(base, new OutlierChoice(chooser, 0)).solve(problem, INT3, WORKERS);
                assertThat(none.packed().decode())
                        .isEqualTo(base.solve(problem, INT3, WORKERS).packed().decode());
            }
            SolvedWeight all =
                    new OutlierSplit(base, new OutlierChoice(new MagnitudeChooser(), 1)).solve(problem, INT3, WORKERS);
            assertThat(all.proxyLoss()).as(base.name()).isLessThan(1e-6);
        }
    }

    private static QuantEase quantEase() {
        return new QuantEase(new QuantEase.Options(ClipSearch.MIN_MAX, QuantEase.Start.GPTQ, 6, true, 0.01));
    }

    @Test
    void everySolverGainsFromOutliersAndFromTheBetterRule() {
        WeightProblem problem = heavyTailed(9);
        for (WeightSolver base :
                List.of(RTN, new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01)), quantEase())) {
            double alone = base.solve(problem, INT3, WORKERS).proxyLoss();
            double random = loss(base, new RandomChooser(1), problem);
            for (OutlierChooser chooser : choosers().subList(2, 4)) {
                double chosen = loss(base, chooser, problem);
                assertThat(chosen)
                        .as(base.name() + chooser.name())
                        .isLessThan(random)
                        .isLessThan(0.9 * alone);
            }
        }
    }

    private static double loss(WeightSolver base, OutlierChooser chooser, WeightProblem problem) {
        SolvedWeight solved = new OutlierSplit(base, new OutlierChoice(chooser, 0.03)).solve(problem, INT3, WORKERS);
        assertThat(Layers.loss(problem, solved.packed().decode()))
                .isCloseTo(solved.proxyLoss(), within(5e-3 * solved.proxyLoss()));
        return solved.proxyLoss();
    }

    @Test
    void withoutAGradientMagnitudesChooseAndTheResultSaysSo() {
        WeightProblem problem = heavyTailed(10);
        OutlierChoice choice = new OutlierChoice(new GradientChooser(GradientChooser.Score.GRADIENT, 1), 0.02);
        SolvedWeight solved = new OutlierSplit(RTN, choice).solve(problem, INT3, WORKERS);
        assertThat(solved.events()).containsExactly(new Event.NoGradient("magnitude"));
        SolvedWeight magnitude =
                new OutlierSplit(RTN, new OutlierChoice(new MagnitudeChooser(), 0.02)).solve(problem, INT3, WORKERS);
        assertThat(solved.packed().decode()).isEqualTo(magnitude.packed().decode());
        OutlierMask given = OutlierMask.of(new int[] {5, 900});
        SolvedWeight chosen = new OutlierSplit(RTN, choice).solve(problem.withOutliers(given), INT3, WORKERS);
        assertThat(chosen.events()).isEmpty();
        assertThat(((OutlierWeight) chosen.packed()).outliers().count()).isEqualTo(2);
    }
}
