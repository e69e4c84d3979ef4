package dev.halftone.reproduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.TinyModel;
import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class IntVsFpTest {
    @TempDir
    private Path directory = Path.of("");

    /** The paper's crossings, and the QSNR there. */
    @ParameterizedTest
    @CsvSource({"MX8, 7.55, 31.86", "MX6, 1.96, 31.54", "MX4, 2.04, 19.14", "NV4, 2.39, 21.14"})
    void theoryCrossesWhereThePaperSays(FormatPair pair, double kappa, double qsnr) {
        assertThat(pair.crossing()).isCloseTo(kappa, within(0.006));
        assertThat(pair.integerQsnr(pair.crossing())).isCloseTo(qsnr, within(0.006));
        assertThat(pair.floatingQsnr(pair.crossing())).isCloseTo(qsnr, within(0.006));
    }

    @Test
    void theoryHasItsLimits() {
        assertThat(FormatPair.MX8.floatingQsnr(2)).isCloseTo(13.80 + 6.02 * 3, within(0.05));
        assertThat(FormatPair.MX6.integerQsnr(3) - FormatPair.MX4.integerQsnr(3))
                .isCloseTo(2 * 6.02, within(1e-9));
        // Rises while the block's largest value, which is nearly exact, carries more and more of the energy.
        assertThat(FormatPair.NV4.floatingQsnr(3.5)).isGreaterThan(FormatPair.NV4.floatingQsnr(2.5));
    }

    @ParameterizedTest
    @EnumSource(FormatPair.class)
    void measuredCurvesCrossNearTheTheory(FormatPair pair) {
        List<CrestCurve.Point> points = CrestCurve.of(pair, 3);
        assertThat(CrestCurve.crossing(points)).isCloseTo(pair.crossing(), within(0.2 * pair.crossing()));
        CrestCurve.Point first = points.getFirst();
        CrestCurve.Point last = points.getLast();
        assertThat(first.intQsnrDb()).isGreaterThan(first.fpQsnrDb());
        assertThat(last.intQsnrDb()).isLessThan(last.fpQsnrDb());
    }

    /** The order of the formats on Laplace data and the figures of an independent calculation, and that parts add up. */
    @Test
    void laplaceDataAloneShowTheOrderOfTheFormatsAndThatRotationTurnsItRound() {
        Random random = new Random(1);
        float[] x = new float[1 << 17];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) (-Math.log(1 - random.nextDouble()) * (random.nextBoolean() ? 1 : -1));
        }
        Qsnr qsnr = new Qsnr();
        qsnr.add(x, 256, 1);
        Qsnr.Measured nv = qsnr.of(FormatPair.NV4);
        assertThat(nv.fpQsnrDb()).isCloseTo(20.66, within(0.15));
        assertThat(nv.intQsnrDb()).isCloseTo(19.78, within(0.15));
        assertThat(nv.intRotatedQsnrDb()).isCloseTo(21.6, within(0.2));
        assertThat(nv.fpRotatedQsnrDb()).isCloseTo(20.35, within(0.2));
        Qsnr.Measured eight = qsnr.of(FormatPair.MX8);
        assertThat(eight.intQsnrDb()).isCloseTo(40.0, within(0.2));
        assertThat(eight.fpQsnrDb()).isCloseTo(31.5, within(0.1));
        Qsnr twice = new Qsnr();
        twice.merge(qsnr);
        twice.merge(qsnr);
        assertThat(twice.of(FormatPair.MX4).intQsnrDb())
                .isCloseTo(qsnr.of(FormatPair.MX4).intQsnrDb(), within(1e-9));
        assertThat(twice.of(FormatPair.MX4).kappa())
                .isCloseTo(qsnr.of(FormatPair.MX4).kappa(), within(1e-9));
    }

    @Test
    void bfloat16ReachesTheCodeThatSymmetricGridsLack() {
        SymmetricClipping.Result result = SymmetricClipping.measure(1);
        assertThat(result.bf16Share()).isCloseTo(0.1682, within(0.003));
        assertThat(result.fp16Share()).isLessThan(0.001);
        assertThat(result.fp32Share()).isZero();
        assertThat(result.biasAsymmetric()).isLessThan(-3 * result.biasAsymmetricStderr());
        assertThat(Math.abs(result.biasSymmetric())).isLessThan(Math.abs(result.biasAsymmetric()) / 3);
    }

    @Test
    void everySiteOfAModelIsMeasuredWhateverTheNumberOfThreads() throws IOException {
        Torch.load();
        Path model = TinyModel.write(directory.resolve("tiny"), 1);
        Path text = Files.writeString(directory.resolve("text.txt"), TinyModel.text(400, 2));
        CalibrationOptions options = new CalibrationOptions(
                new CalibrationSource.Text(CalibrationSource.Mode.FIRST, List.of(text)), 4, 32, 1);
        Map<String, Qsnr> one = measure(model, options, 1);
        Map<String, Qsnr> two = measure(model, options, 2);
        assertThat(one.keySet()).isEqualTo(two.keySet());
        one.forEach((site, qsnr) ->
                assertThat(two.get(site)).extracting(q -> q.of(FormatPair.NV4)).isEqualTo(qsnr.of(FormatPair.NV4)));
        assertThat(one.keySet())
                .contains(
                        "model.layers.0.self_attn.q_proj.weight",
                        "model.layers.1.mlp.down_proj.weight^T",
                        "model.layers.1.mlp.up_proj.input",
                        "model.layers.0.output");
    }

    private static Map<String, Qsnr> measure(Path model, CalibrationOptions options, int threads) {
        try (Workers workers = new Workers(threads)) {
            return new SiteQsnr(new Experiment.Setting(List.of(), options, workers), 1).of(model.toString());
        }
    }

    @Test
    void theExperimentHoldsOnDrawnData() {
        try (Workers workers = new Workers(2)) {
            CalibrationOptions unused = CalibrationOptions.DEFAULT;
            Experiment.Outcome outcome = new IntVsFp().run(new Experiment.Setting(List.of(), unused, workers), _ -> {});
            assertThat(outcome.findings()).hasSize(8 + 9 + 2).allMatch(Finding::holds);
            assertThat(outcome.charts())
                    .hasSize(4)
                    .allSatisfy(chart -> assertThat(chart.svg()).contains("<polyline", "measured"));
            assertThat(outcome.tables().getLast().rows()).hasSize(8);
        }
    }
}
