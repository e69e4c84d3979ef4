package dev.halftone.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class TokenHistogramTest {
    @Test
    void countsTokensOfAllSequences() {
        TokenHistogram histogram = TokenHistogram.of(List.of(new int[] {3, 0, 3}, new int[] {}, new int[] {3}));
        assertThat(histogram.counts()).containsExactly(1, 0, 0, 3);
        assertThat(histogram.tokens()).isEqualTo(4);
        assertThat(histogram.distinct()).isEqualTo(2);
        assertThat(TokenHistogram.of(List.of()).tokens()).isZero();
    }

    @Test
    void entropyIsTheLogarithmOfTheNumberOfEquallyFrequentTokens() {
        assertThat(TokenHistogram.of(List.of(new int[] {7, 7, 7})).entropyBits())
                .isZero();
        assertThat(TokenHistogram.of(List.of(new int[] {0, 1, 2, 9})).entropyBits())
                .isCloseTo(2, within(1e-12));
        assertThat(TokenHistogram.of(List.of(new int[] {5, 5, 5, 1})).entropyBits())
                .isCloseTo(0.8112781244591328, within(1e-12));
    }

    @Test
    void divergenceIsThatOfTheFrequenciesWithOneAddedToEveryCount() {
        TokenHistogram evaluation = TokenHistogram.of(List.of(new int[] {0, 0, 0}));
        TokenHistogram calibration = TokenHistogram.of(List.of(new int[] {1}));
        // (4, 1, 1) / 6 against (1, 2, 1) / 4
        double expected = 4 / 6.0 * Math.log(16 / 6.0) + 1 / 6.0 * Math.log(2 / 6.0) + 1 / 6.0 * Math.log(4 / 6.0);
        assertThat(TokenHistogram.divergence(evaluation, calibration, 3)).isCloseTo(expected, within(1e-12));
        assertThat(TokenHistogram.divergence(evaluation, evaluation, 3)).isZero();
        assertThatThrownBy(() -> TokenHistogram.divergence(evaluation, calibration, 1))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
