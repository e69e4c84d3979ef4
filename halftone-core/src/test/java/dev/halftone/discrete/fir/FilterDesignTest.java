package dev.halftone.discrete.fir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.discrete.Amvm.Mode;
import dev.halftone.discrete.Amvm.Options;
import dev.halftone.discrete.fir.FilterDesign.Taps;
import dev.halftone.error.InputException;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Check 4 of methods/dmmv.md: optima that an exact solver has proven. */
class FilterDesignTest {
    private static final Band PASS = new Band(0, 0.4, true);
    private static final FilterSpec DEFAULT = new FilterSpec(12, 4, List.of(PASS, new Band(4.0 / 7, 1, false)));
    private static final Options REFERENCE = Options.of(Mode.SWAPS_AND_STEPS, 200, false, 9101);

    @Test
    void theDefaultFilterIsDesignedAsWellAsTheExactSolverDoes() {
        FilterDesign design = FilterDesign.of(DEFAULT, REFERENCE, 2, 60);
        assertThat(taps(design, "continuous").ripple()).isCloseTo(0.068086, within(1e-6));
        assertThat(taps(design, "rounded").ripple()).isCloseTo(0.264862, within(1e-6));
        Taps amvm = taps(design, "amvm");
        assertThat(amvm.ripple()).isCloseTo(0.207103617, within(1e-9));
        assertThat(amvm.integers()).containsExactly(0, 0, 0, -1, 0, 3, 4);
        // Between the points of the grid there is a little more.
        assertThat(amvm.denseRipple()).isBetween(amvm.ripple(), 1.02 * amvm.ripple());
        Taps exact = taps(design, "milp");
        assertThat(exact.proven()).isTrue();
        assertThat(exact.ripple()).isCloseTo(0.207103617, within(1e-9));
        assertThat(design.bound()).isCloseTo(0.207103617, within(1e-6));
    }

    @ParameterizedTest
    @CsvSource({"20, 6, 0.1250, 0.102071", "30, 8, 0.050399, 0.035027"})
    void longerLowPassFiltersReachTheOptimum(int order, int bits, double rounded, double optimum) {
        FilterSpec spec = new FilterSpec(order, bits, List.of(PASS, new Band(0.5, 1, false)));
        reaches(spec, rounded, optimum);
    }

    @Test
    void aBandPassFilterReachesTheOptimum() {
        FilterSpec spec = new FilterSpec(
                30, 8, List.of(new Band(0.3, 0.6, true), new Band(0, 0.2, false), new Band(0.7, 1, false)));
        reaches(spec, 0.059583, 0.042523);
    }

    private static void reaches(FilterSpec spec, double rounded, double optimum) {
        FilterDesign design = FilterDesign.of(spec, REFERENCE, 2, 0);
        assertThat(taps(design, "rounded").ripple()).isCloseTo(rounded, within(6e-5));
        assertThat(taps(design, "amvm").ripple()).isCloseTo(optimum, within(1e-6));
        assertThat(design.bound()).isLessThan(optimum);
    }

    private static Taps taps(FilterDesign design, String method) {
        return Objects.requireNonNull(design.design(method));
    }

    @Test
    void theGridIsSplitByWidthAndHasBothEnds() {
        FilterSpec.Grid grid = DEFAULT.grid();
        assertThat(grid.frequencies()).hasSize(192).startsWith(0).endsWith(1);
        assertThat(grid.frequencies()[91]).isEqualTo(0.4);
        assertThat(grid.frequencies()[92]).isEqualTo(4.0 / 7);
        assertThat(grid.targets()[91]).isEqualTo(1);
        assertThat(grid.targets()[92]).isZero();
    }

    @Test
    void theResponseIsThatOfTheWholeFilter() {
        double[] x = {0.25, -0.5, 1};
        FilterSpec spec = new FilterSpec(4, 4, List.of(PASS, new Band(0.5, 1, false)));
        double[] h = {0.25, -0.5, 1, -0.5, 0.25};
        for (double w : new double[] {0, 0.1, 0.77, 1}) {
            double real = 0;
            double imaginary = 0;
            for (int n = 0; n < h.length; n++) {
                real += h[n] * Math.cos(Math.PI * w * n);
                imaginary += h[n] * Math.sin(Math.PI * w * n);
            }
            assertThat(spec.response(x, w)).isCloseTo(Math.hypot(real, imaginary), within(1e-12));
        }
    }

    @Test
    void filtersThatCannotBeAreRefused() {
        assertThatThrownBy(() -> new FilterSpec(13, 4, DEFAULT.bands()))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-762 order");
        assertThatThrownBy(() -> new FilterSpec(12, 1, DEFAULT.bands())).hasMessageContaining("HT-762 bits");
        assertThatThrownBy(() -> new FilterSpec(12, 4, List.of(PASS))).hasMessageContaining("none stops");
        assertThatThrownBy(() -> new FilterSpec(12, 4, List.of(PASS, new Band(0.4, 1, false))))
                .hasMessageContaining("overlaps or touches");
        assertThatThrownBy(() -> new Band(0.5, 1.5, true)).hasMessageContaining("HT-762 band");
    }
}
