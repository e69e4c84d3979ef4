package dev.halftone.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.study.analysis.Metric;
import dev.halftone.study.analysis.SetAnalysis;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.analysis.StudyData.EvaluationRow;
import dev.halftone.study.analysis.StudyData.ModelRow;
import dev.halftone.study.analysis.StudyData.RecipeRow;
import dev.halftone.study.analysis.StudyData.Row;
import dev.halftone.study.analysis.StudyData.SetRow;
import dev.halftone.study.analysis.StudyData.Units;
import dev.halftone.study.recommend.Engine;
import dev.halftone.study.recommend.Recommendation;
import dev.halftone.study.recommend.Recommendation.Candidate;
import dev.halftone.study.recommend.Rules;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Decisions on made-up figures. */
class RecommendationTest {
    private static final int WINDOWS = 40;
    private static final EvaluationRow TEXT = new EvaluationRow("text", "text", "", "");
    private final Map<String, Units> units = new HashMap<>();
    private final List<Row> rows = new ArrayList<>();
    private final List<RecipeRow> recipes = new ArrayList<>();
    private final double[] text = new Random(3).doubles(WINDOWS, 2, 4).toArray();

    private void recipe(String name, int bits, String mode, double stored, double loss) {
        boolean full = bits == 0;
        recipes.add(new RecipeRow(
                name,
                "",
                full || name.startsWith("rtn"),
                false,
                full ? null : bits,
                full ? null : 32,
                full ? null : mode,
                null,
                null,
                "",
                full ? "" : name.substring(0, 3)));
        double[] weight = new double[WINDOWS];
        double[] kl = new double[WINDOWS];
        double[] nll = new double[WINDOWS];
        Arrays.fill(weight, 31);
        Random noise = new Random(name.hashCode());
        for (int i = 0; i < WINDOWS; i++) {
            double own = loss * (1 + 0.01 * noise.nextGaussian());
            kl[i] = own;
            nll[i] = text[i] + own;
        }
        units.put(name, new Units(weight, kl, nll, new double[0]));
        rows.add(new Row(
                "m", name, "prose", 0, "text", name, true, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, stored, stored, 1, "",
                false, 0, 0, 0));
    }

    private StudyData data() {
        recipe("full-precision", 0, "", 32, 0);
        recipe("rtn-8", 8, "sym", 8.5, 0.001);
        recipe("rtn-4", 4, "affine", 4.5, 0.2);
        recipe("gptq-4", 4, "asym", 4.4, 0.1);
        recipe("near-4", 4, "asym", 4.4, 0.1001);
        recipe("rtn-3", 3, "asym", 3.4, 0.9);
        return new StudyData(
                Map.of(),
                List.of(new ModelRow("m", "m", "", "llama", 1, 1, 1, "")),
                recipes,
                List.of(new SetRow("prose", "text", null, "", false, true)),
                List.of(),
                List.of(TEXT),
                rows,
                List.of(),
                rows.size(),
                units);
    }

    private static Recommendation of(StudyData data, double budget, Engine engine) {
        return Recommendation.of(data, SetAnalysis.of(data), "m", TEXT, Metric.KL, budget, engine);
    }

    private static Candidate other(Recommendation of, String name) {
        return of.others().stream()
                .filter(c -> c.recipe().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void theLeastLossWithinTheBudgetIsTakenAndOthersAreToldWhy() {
        Recommendation of = of(data(), 4.5, Engine.HALFTONE);
        Candidate chosen = Objects.requireNonNull(of.chosen());
        assertThat(chosen.recipe()).isEqualTo("gptq-4");
        assertThat(chosen.loss()).isCloseTo(0.1, within(0.001));
        assertThat(chosen.front()).isTrue();
        assertThat(other(of, "rtn-8").why()).startsWith("over the budget: 8.500");
        assertThat(other(of, "rtn-4").why()).startsWith("loses more than gptq-4: +0.1");
        assertThat(other(of, "rtn-4").front()).isFalse();
        assertThat(other(of, "near-4").why()).startsWith("no difference seen to gptq-4");
        assertThat(other(of, "rtn-3").why()).contains("with 1.000 bits less");
        assertThat(other(of, "rtn-3").front()).isTrue();
    }

    @Test
    void anEngineTakesOnlyWhatItHasKernelsFor() {
        StudyData data = data();
        assertThat(of(data, 9, Engine.GGUF).chosen())
                .isNotNull()
                .extracting(Candidate::recipe)
                .isEqualTo("rtn-8");
        Recommendation gguf = of(data, 5, Engine.GGUF);
        assertThat(gguf.chosen()).isNotNull().extracting(Candidate::recipe).isEqualTo("rtn-4");
        assertThat(other(gguf, "gptq-4").why()).contains("no block type of GGUF holds 4 bits, group 32, asym");
        assertThat(other(of(data, 5, Engine.VLLM), "rtn-3").why()).contains("4 or 8 bits");
        assertThat(of(data, 3.2, Engine.HALFTONE).chosen()).isNull();
        assertThatThrownBy(() ->
                        Recommendation.of(data, SetAnalysis.of(data), "other", TEXT, Metric.KL, 4, Engine.HALFTONE))
                .hasMessageContaining("HT-669");
    }

    @Test
    void rulesAgreeOrNotOrWereNotMeasured() {
        Map<String, String> verdicts = new HashMap<>();
        Rules.judge(data(), "m", "text").forEach(rule -> verdicts.put(rule.setting(), rule.verdict()));
        assertThat(verdicts)
                .containsEntry("W8", "agrees")
                .containsEntry("W4", "does not agree")
                .containsEntry("W3", "agrees")
                .containsEntry("W2", "not measured here")
                .containsEntry("W8A8", "not measured here");
    }
}
