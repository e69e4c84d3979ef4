package dev.halftone.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.study.analysis.Findings;
import dev.halftone.study.analysis.Findings.MethodFigure;
import dev.halftone.study.analysis.Findings.SetEffect;
import dev.halftone.study.analysis.Metric;
import dev.halftone.study.analysis.Pairing;
import dev.halftone.study.analysis.SetAnalysis;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.analysis.StudyData.EvaluationRow;
import dev.halftone.study.analysis.StudyData.ModelRow;
import dev.halftone.study.analysis.StudyData.RecipeRow;
import dev.halftone.study.analysis.StudyData.Row;
import dev.halftone.study.analysis.StudyData.SetRow;
import dev.halftone.study.analysis.StudyData.Units;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Statistics on made-up figures whose answers are known. */
class SetAnalysisTest {
    private static final int WINDOWS = 60;
    private static final int DRAWS = 4;
    private final Map<String, Units> units = new HashMap<>();
    private final List<Row> rows = new ArrayList<>();
    private final Random random = new Random(7);
    private final double[] text = random.doubles(WINDOWS, 2, 4).toArray();

    /** Adds a cell: ln perplexity of the text's windows plus a shift, plus some noise of its own. */
    private void cell(String recipe, String set, int draw, double shift, double noise) {
        String key = recipe + " " + set + " " + draw;
        double[] nll = new double[WINDOWS];
        Arrays.setAll(nll, i -> text[i] + shift + noise * random.nextGaussian());
        double[] weight = new double[WINDOWS];
        Arrays.fill(weight, 31);
        units.put(key, new Units(weight, nll.clone(), nll, new double[0]));
        rows.add(new Row(
                "m",
                recipe,
                set,
                draw,
                "text",
                key,
                true,
                null,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                recipe.equals("full-precision") ? 32 : 4,
                4,
                1,
                "",
                false,
                0,
                0,
                0));
    }

    private StudyData data() {
        return new StudyData(
                Map.of(),
                List.of(new ModelRow("m", "m", "", "llama", 1, 1, 1, "")),
                List.of(recipe("full-precision", true), recipe("rtn", true), recipe("gptq", false)),
                List.of(set("prose", false, true), set("code", false, false), set("noise", true, false)),
                List.of(),
                List.of(new EvaluationRow("text", "text", "", "")),
                rows,
                List.of(),
                rows.size(),
                units);
    }

    private static RecipeRow recipe(String name, boolean free) {
        return new RecipeRow(name, "", free, false, 4, 64, "asym", null, null, "", free ? "rtn" : "gptq");
    }

    private static SetRow set(String name, boolean nonsense, boolean isDefault) {
        return new SetRow(name, "text", null, "", nonsense, isDefault);
    }

    /** prose and code alike, noise worse by 0.3; the draws of a set differ by a little. */
    private Findings findings() {
        for (String set : List.of("prose", "code", "noise")) {
            for (int k = 0; k < DRAWS; k++) {
                cell("full-precision", set, k, 0, 0);
                double wobble = 0.01 * (k - 1.5);
                cell("gptq", set, k, 0.1 + wobble + (set.equals("noise") ? 0.3 : 0), 0.02);
            }
        }
        return SetAnalysis.of(data());
    }

    private static SetEffect effect(Findings findings, String set) {
        return findings.effects().stream()
                .filter(e -> e.recipe().equals("gptq")
                        && e.metric() == Metric.LN_PERPLEXITY
                        && e.set().equals(set))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aSetThatIsWorseIsSeenAndOneThatIsNotIsNot() {
        Findings findings = findings();
        SetEffect noise = effect(findings, "noise");
        assertThat(noise.difference()).isCloseTo(0.3, within(0.01));
        assertThat(noise.seen()).isTrue();
        SetEffect code = effect(findings, "code");
        assertThat(code.difference()).isCloseTo(0, within(0.01));
        assertThat(code.seen()).isFalse();
        // Draws of sd 0.0129 on both sides; windows, being the same ones, add little: 0.02 sqrt(2 / 4 / 60).
        double draws = Math.sqrt(2 * 0.01 * 0.01 * 5 / 3 / DRAWS);
        double windows = 0.02 * Math.sqrt(2.0 / DRAWS / WINDOWS);
        assertThat(code.error()).isCloseTo(Math.hypot(draws, windows), within(0.002));
    }

    @Test
    void spreadOfSetsIsWhatDrawsDoNotExplain() {
        MethodFigure gptq =
                findings().method("m", "gptq", "text", Metric.LN_PERPLEXITY).orElseThrow();
        assertThat(gptq.withinSd()).isCloseTo(0.01 * Math.sqrt(5.0 / 3), within(0.003));
        assertThat(gptq.betweenSd()).isLessThan(0.01);
        assertThat(gptq.nonsenseGap()).isCloseTo(0.3, within(0.01));
        assertThat(gptq.worst()).isEqualTo("noise");
        // (e^0.4 - e^0.1) of the same full precision.
        assertThat(gptq.susceptibility()).isCloseTo(Math.exp(0.4) - Math.exp(0.1), within(0.02));
        assertThat(gptq.saneSusceptibility()).isLessThan(0.02);
    }

    @Test
    void errorsOfRecipesArePairedByWindowAndByDraw() {
        for (int k = 0; k < DRAWS; k++) {
            double common = 0.5 * random.nextGaussian();
            cell("gptq", "prose", k, common, 0);
            cell("rtn", "prose", k, common + 0.05, 0);
        }
        Pairing.Difference difference = Pairing.of(data(), "m", "text", "prose", Metric.LN_PERPLEXITY, "rtn", "gptq")
                .orElseThrow();
        assertThat(difference.value()).isCloseTo(0.05, within(1e-9));
        assertThat(difference.error()).isLessThan(1e-9);
        assertThat(difference.seen()).isTrue();
    }

    @Test
    void theBootstrapGivesTheErrorOfAMean() {
        for (int k = 0; k < DRAWS; k++) {
            cell("gptq", "prose", k, 0, 0);
            cell("full-precision", "prose", k, 0, 0);
        }
        double mean = Arrays.stream(text).average().orElseThrow();
        double variance = Arrays.stream(text).map(x -> (x - mean) * (x - mean)).sum() / (WINDOWS - 1);
        Findings.SetFigure figure = SetAnalysis.of(data())
                .figures("m", "gptq", "text", Metric.LN_PERPLEXITY)
                .getFirst();
        assertThat(figure.mean()).isCloseTo(mean, within(1e-9));
        assertThat(figure.error()).isCloseTo(Math.sqrt(variance / WINDOWS), within(0.008));
    }
}
