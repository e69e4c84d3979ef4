package dev.halftone.discrete.tomography;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.discrete.Amvm.Mode;
import dev.halftone.discrete.Amvm.Options;
import dev.halftone.discrete.SparseMatrix;
import dev.halftone.discrete.tomography.Reconstruction.Attempt;
import dev.halftone.error.InputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Check 7 of methods/dmmv.md. */
class TomographyTest {
    private static final double NOISE = 380;

    @ParameterizedTest
    @CsvSource({"DISKS, 1", "DISKS, 2", "BARS, 1", "BARS, 2"})
    void binaryImagesAreFoundAgainExactly(Phantom phantom, long seed) {
        Scan scan = Scan.of(phantom, 24, 24, 24, NOISE, seed);
        Options options = Options.of(Mode.SWAPS_AND_STEPS, 200, false, 9101).withTarget(NOISE);
        Reconstruction found = Reconstruction.of(scan, options);
        Attempt amvm = found.attempt("amvm");
        assertThat(amvm.meanAbsoluteError()).isZero();
        assertThat(amvm.wrong()).isZero();
        assertThat(amvm.similarity()).isCloseTo(1, within(1e-12));
        assertThat(amvm.residual()).isLessThanOrEqualTo(NOISE).isGreaterThan(0.98 * NOISE);
        // The others do not look at the largest residual; segmented SIRT misses pixels at edges, and DART most of the
        // time.
        assertThat(found.attempt("sirt-segmented").meanAbsoluteError()).isBetween(0.1, 8.0);
        assertThat(found.attempt("sirt-segmented").residual()).isGreaterThan(NOISE);
        assertThat(found.attempt("dart").meanAbsoluteError()).isBetween(0.0, 8.0);
        assertThat(found.attempt("sirt").meanAbsoluteError())
                .isGreaterThan(found.attempt("sirt-segmented").meanAbsoluteError());
    }

    @Test
    void raysAlongTheAxesAddUpColumnsAndRows() {
        int n = 5;
        SparseMatrix a = Projector.of(n, 4, n);
        double[] x = new double[n * n];
        for (int i = 0; i < x.length; i++) {
            x[i] = i * i % 7;
        }
        for (int d = 0; d < n; d++) {
            double column = 0;
            double row = 0;
            for (int i = 0; i < n; i++) {
                column += x[i * n + d];
                // At a quarter turn the detector runs from the bottom to the top.
                row += x[(n - 1 - d) * n + i];
            }
            assertThat(a.rowTimes(d, x)).isCloseTo(column, within(1e-9));
            assertThat(a.rowTimes(2 * n + d, x)).isCloseTo(row, within(1e-9));
        }
        // The ray through the middle at an eighth of a turn runs along a diagonal, from pixel to pixel sqrt(2) at a
        // time.
        double diagonal = 0;
        for (int i = 0; i < n; i++) {
            diagonal += Math.sqrt(2) * x[i * n + n - 1 - i];
        }
        double other = 0;
        for (int i = 0; i < n; i++) {
            other += Math.sqrt(2) * x[i * n + i];
        }
        // Direction (sin, -cos): to the right and down.
        assertThat(a.rowTimes(n + 2, x)).isCloseTo(other, within(1e-9)).isNotCloseTo(diagonal, within(0.1));
    }

    @Test
    void noiseStaysInItsBoundsAndFollowsTheSeed() {
        Scan scan = Scan.of(Phantom.LAYERS, 24, 12, 24, 100, 3);
        assertThat(scan.residual(scan.truth())).isBetween(90.0, 100.0);
        assertThat(Scan.of(Phantom.LAYERS, 24, 12, 24, 100, 3).b()).isEqualTo(scan.b());
        assertThat(Scan.of(Phantom.LAYERS, 24, 12, 24, 100, 4).b()).isNotEqualTo(scan.b());
        assertThat(scan.truth().pixels()).contains(0, 85, 170, 255);
    }

    @Test
    void withoutNoiseSirtComesCloseAndSimilarityOfEqualImagesIsOne() {
        Scan scan = Scan.of(Phantom.DISKS, 16, 24, 16, 0, 1);
        double[] x = new double[256];
        Sirt.of(scan).simultaneous(x, 300);
        Image found = new Image(16, x);
        assertThat(found.meanAbsoluteError(scan.truth())).isLessThan(12);
        assertThat(scan.segmented(found).pixels()).isEqualTo(scan.truth().pixels());
        double[] y = new double[256];
        Sirt.of(scan).sequential(y, 1000);
        assertThat(new Image(16, y).meanAbsoluteError(scan.truth())).isLessThan(12);
        assertThat(Similarity.of(scan.truth(), scan.truth())).isCloseTo(1, within(1e-12));
        assertThat(Similarity.of(found, scan.truth())).isBetween(0.5, 1.0);
    }

    @Test
    void scansThatCannotBeAreRefused() {
        assertThatThrownBy(() -> Scan.of(Phantom.DISKS, 8, 4, 8, 0, 1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-762 size");
        assertThatThrownBy(() -> Scan.of(Phantom.DISKS, 24, 0, 8, 0, 1)).hasMessageContaining("HT-762 angles");
        assertThatThrownBy(() -> Scan.of(Phantom.DISKS, 24, 4, 8, -1, 1)).hasMessageContaining("HT-762 noise");
    }
}
