package dev.halftone.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.evaluate.ChoiceScores.Norm;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChoiceScoresTest {
    @Test
    void theHighestLogLikelihoodIsPickedAndOfEqualsTheFirst() {
        ChoiceItem item = ChoiceItem.ofChoices("a:1", "c", List.of("x", "y", "z"), 1);
        ChoiceScores scores =
                scores(List.of(item, item, item), new double[][] {{-3, -1, -2}, {-1, -1, -1}, {-2, -1, -1}});
        assertThat(picks(scores, Norm.NONE)).containsExactly(1, 0, 1);
        assertThat(scores.right(Norm.NONE)).containsExactly(1, 0, 1);
        assertThat(scores.accuracy(Norm.NONE).value()).isCloseTo(2 / 3.0, within(1e-12));
        assertThat(scores.accuracy(Norm.NONE).error()).isCloseTo(Math.sqrt(2 / 9.0 / 2), within(1e-12));
    }

    @Test
    void charactersAreCodePointsAndBytesAreUtf8WithoutTheSpaceInFront() {
        // Code points 4, 2, 3; bytes 4, 4, 12.
        ChoiceItem item = ChoiceItem.ofChoices("a:1", "c", List.of("abcd", "éé", "😀😀😀"), 0);
        ChoiceScores scores = scores(List.of(item), new double[][] {{-4, -1.9, -6}});
        assertThat(scores.pick(0, Norm.NONE)).isEqualTo(1);
        assertThat(scores.pick(0, Norm.CHARACTERS)).isEqualTo(1); // -1, -0.95, -2
        assertThat(scores.pick(0, Norm.BYTES)).isEqualTo(1); // -1, -0.475, -0.5
        ChoiceScores others = scores(List.of(item), new double[][] {{-4, -2.1, -5}});
        assertThat(others.pick(0, Norm.CHARACTERS)).isZero(); // -1, -1.05, -1.67
        assertThat(others.pick(0, Norm.BYTES)).isEqualTo(2); // -1, -0.525, -0.42
    }

    @Test
    void addingAConstantToAllLogLikelihoodsLeavesTheAccuracy() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        List<ChoiceItem> items = new ArrayList<>();
        double[][] values = new double[50][];
        double[][] moved = new double[50][];
        for (int i = 0; i < 50; i++) {
            items.add(ChoiceItem.ofChoices("a:" + i, "c", List.of("x", "yy", "zzz"), random.nextInt(3)));
            values[i] = random.doubles(3).map(x -> -9 * x).toArray();
            moved[i] = Arrays.stream(values[i]).map(x -> x - 7).toArray();
        }
        assertThat(scores(items, moved).right(Norm.NONE))
                .isEqualTo(scores(items, values).right(Norm.NONE));
    }

    @Test
    void anItemWithoutAFigureIsNotAnsweredRightly() {
        ChoiceItem item = ChoiceItem.ofChoices("a:1", "c", List.of("x", "y"), 0);
        ChoiceScores scores = scores(List.of(item), new double[][] {{Double.NaN, -1}});
        assertThat(scores.pick(0, Norm.NONE)).isEqualTo(-1);
        assertThat(scores.right(Norm.NONE)).containsExactly(0);
    }

    @Test
    void aClozeIsRightIfGreedyDecodingGivesItAndItsPerplexityIsPerItem() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(2);
        int n = 400;
        List<ChoiceItem> items = new ArrayList<>();
        double[][] values = new double[n][1];
        boolean[][] greedy = new boolean[n][1];
        double[] nll = new double[n];
        for (int i = 0; i < n; i++) {
            items.add(ChoiceItem.ofCloze("a:" + i, "c", " ", "word"));
            values[i][0] = -2 * random.nextExponential();
            nll[i] = -values[i][0];
            greedy[i][0] = i % 4 == 0;
        }
        ChoiceScores scores = new ChoiceScores(items, values, greedy);
        assertThat(scores.accuracy(Norm.NONE).value()).isEqualTo(0.25);
        Estimate expected = Estimate.mean(nll).exp();
        assertThat(scores.perplexity().value()).isCloseTo(expected.value(), within(1e-12));
        assertThat(scores.perplexity().error()).isCloseTo(expected.error(), within(0.1 * expected.error()));
        assertThat(scores.perplexity()).isEqualTo(scores.perplexity());
    }

    @Test
    void flipsAreCountedInBothDirectionsAndTheDifferenceIsPaired() {
        double[] reference = {1, 1, 1, 0, 0, 1};
        double[] model = {1, 0, 0, 1, 0, 1};
        PairedAccuracy paired = PairedAccuracy.of(model, reference);
        assertThat(paired.flipsToWrong()).isEqualTo(2);
        assertThat(paired.flipsToRight()).isEqualTo(1);
        assertThat(paired.difference()).isEqualTo(Estimate.mean(new double[] {0, -1, -1, 1, 0, 0}));
        PairedAccuracy same = PairedAccuracy.of(model, model);
        assertThat(same).isEqualTo(new PairedAccuracy(0, 0, new Estimate(0, 0)));
        assertThat(same.mcnemarP()).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 5, 0.21875",
        "5, 1, 0.21875",
        "3, 3, 1",
        "10, 25, 0.01667384780012071",
        "0, 20, 1.9073486328125e-06",
        "900, 1100, 8.457089535503927e-06"
    })
    void mcnemarIsTheExactBinomialTest(int toWrong, int toRight, double p) {
        assertThat(new PairedAccuracy(toWrong, toRight, new Estimate(0, 0)).mcnemarP())
                .isCloseTo(p, within(p * 1e-6));
    }

    private static ChoiceScores scores(List<ChoiceItem> items, double[][] values) {
        boolean[][] greedy = new boolean[values.length][];
        Arrays.setAll(greedy, i -> new boolean[values[i].length]);
        return new ChoiceScores(items, values, greedy);
    }

    private static int[] picks(ChoiceScores scores, Norm norm) {
        int[] picks = new int[scores.items().size()];
        Arrays.setAll(picks, i -> scores.pick(i, norm));
        return picks;
    }
}
