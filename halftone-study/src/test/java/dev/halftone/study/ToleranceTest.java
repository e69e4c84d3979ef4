package dev.halftone.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.analysis.StudyData.EvaluationRow;
import dev.halftone.study.analysis.StudyData.ModelRow;
import dev.halftone.study.analysis.StudyData.RecipeRow;
import dev.halftone.study.analysis.StudyData.Row;
import dev.halftone.study.analysis.StudyData.SetRow;
import dev.halftone.study.analysis.StudyData.Units;
import dev.halftone.study.analysis.Tolerance;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ToleranceTest {
    private static final int ITEMS = 400;
    private static final EvaluationRow TASK = new EvaluationRow("task", "choice", "", "");

    private final List<RecipeRow> recipes = new ArrayList<>();
    private final List<Row> rows = new ArrayList<>();
    private final Map<String, Units> units = new HashMap<>();

    @Test
    void aScoreIsMeasuredFromChance() {
        recipe("full-precision", 300, 0.25);
        recipe("same", 300, 0.25);
        recipe("half", 200, 0.25);
        recipe("guesses", 90, 0.25);
        List<Tolerance> all = Tolerance.of(data());
        assertThat(all).extracting(Tolerance::recipe).containsExactly("same", "half", "guesses");
        assertThat(all.getFirst().retained()).isEqualTo(1);
        assertThat(all.getFirst().verdict()).isEqualTo("no loss");
        assertThat(all.get(1).retained()).isCloseTo(0.5, within(1e-12));
        assertThat(all.get(1).error()).isBetween(0.02, 0.08);
        assertThat(all.get(1).verdict()).isEqualTo("loss");
        assertThat(all.get(2).retained()).isZero();
        assertThat(all.get(2).verdict()).isEqualTo("loss");
    }

    @Test
    void aModelThatGuessesHasNothingToRetain() {
        recipe("full-precision", 105, 0.25);
        recipe("other", 100, 0.25);
        Tolerance only = Tolerance.of(data()).getFirst();
        assertThat(only.retained()).isNull();
        assertThat(only.verdict()).isEqualTo("chance");
    }

    private void recipe(String name, int right, double chance) {
        double[] of = new double[ITEMS];
        Arrays.fill(of, 0, right, 1);
        double[] ones = new double[ITEMS];
        Arrays.fill(ones, 1);
        double accuracy = (double) right / ITEMS;
        double error = Math.sqrt(accuracy * (1 - accuracy) / ITEMS);
        recipes.add(new RecipeRow(name, "", true, false, 4, 64, "asym", null, null, "", "rtn"));
        units.put(name, new Units(ones, new double[0], new double[0], of));
        rows.add(new Row(
                "m", name, "prose", 0, "task", name, true, null, 0, 0, 0, 0, 0, 0, accuracy, error, chance, 4, 4, 1, "",
                false, 0, 0, 0));
    }

    private StudyData data() {
        return new StudyData(
                Map.of(),
                List.of(new ModelRow("m", "m", "", "llama", 1, 1, 1, "")),
                recipes,
                List.of(new SetRow("prose", "text", null, "", false, true)),
                List.of(),
                List.of(TASK),
                rows,
                List.of(),
                rows.size(),
                units);
    }
}
