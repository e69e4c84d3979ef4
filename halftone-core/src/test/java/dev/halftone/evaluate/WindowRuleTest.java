package dev.halftone.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.error.InputException;
import dev.halftone.evaluate.WindowRule.Window;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class WindowRuleTest {
    private static final int[] TEXT = IntStream.range(100, 200).toArray();

    @Test
    void gptqWindowsScoreAllButTheirFirstTokenAndDropTheRest() {
        List<Window> windows = new WindowRule.Gptq().cut(TEXT, -1, 32, -1, "text");
        assertThat(windows).hasSize(3).allMatch(window -> window.scored() == 31);
        assertThat(windows.get(1).tokens()).startsWith(132).hasSize(32);
    }

    @Test
    void gptqWindowsHaveBosOnceInFrontOfTheText() {
        List<Window> windows = new WindowRule.Gptq().cut(TEXT, 1, 32, -1, "text");
        assertThat(windows.get(0).tokens()).startsWith(1, 100);
        assertThat(windows.get(1).tokens()).startsWith(131);
    }

    @Test
    void llamaCppWindowsScoreTheirSecondHalfAndReplaceTheFirstToken() {
        List<Window> windows = new WindowRule.LlamaCpp().cut(TEXT, 7, 32, 2, "text");
        assertThat(windows).hasSize(2).allMatch(window -> window.scored() == 32 - 1 - 16);
        assertThat(windows.get(0).tokens()).startsWith(7, 100);
        assertThat(windows.get(1).tokens()).startsWith(7, 132);
    }

    @Test
    void stridedWindowsScoreEveryTokenButTheFirstOnce() {
        List<Window> windows = new WindowRule.Stride(8).cut(TEXT, -1, 32, -1, "text");
        assertThat(windows.stream().mapToInt(Window::scored).sum()).isEqualTo(99);
        assertThat(windows.get(0).scored()).isEqualTo(31);
        assertThat(windows.get(1).scored()).isEqualTo(8);
        assertThat(windows.get(1).tokens()).startsWith(108);
    }

    @Test
    void tooShortATextAndAWrongRuleAreRefused() {
        assertThatThrownBy(() -> new WindowRule.Gptq().cut(TEXT, -1, 512, -1, "a.txt"))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("HT-602 a.txt: the text has 100 tokens; one window needs 512");
        assertThatThrownBy(() -> WindowRule.named("wiki")).hasMessageContaining("known are gptq, llamacpp, stride:N");
        assertThat(WindowRule.named("stride:64").label()).isEqualTo("stride:64");
    }

    @Test
    void anEstimateCoversTheTruthAsOftenAsItSays() {
        java.util.random.RandomGenerator random =
                java.util.random.RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        int covered = 0;
        int trials = 4000;
        for (int t = 0; t < trials; t++) {
            double[] items = random.doubles(400).map(x -> x < 0.3 ? 1 : 0).toArray();
            Estimate estimate = Estimate.mean(items);
            covered += Math.abs(estimate.value() - 0.3) <= 1.96 * estimate.error() ? 1 : 0;
        }
        assertThat((double) covered / trials).isCloseTo(0.95, within(0.02));
    }
}
