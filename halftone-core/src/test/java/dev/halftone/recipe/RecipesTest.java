package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.TinyModel;
import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.error.InputException;
import dev.halftone.format.IntGroup;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.Families;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecipesTest {
    @Test
    void aBuiltInNameSaysMethodBitsAndGroup() {
        Recipe recipe = Recipes.open("gptq-w3g64");
        assertThat(recipe.steps()).hasSize(1);
        assertThat(recipe.steps().getFirst().solver().name()).isEqualTo("gptq");
        assertThat(recipe.steps().getFirst().format()).isEqualTo(new IntGroup(3, 64, false));
        assertThat(recipe.calibration()).isEqualTo(CalibrationOptions.DEFAULT);
        assertThat(recipe.needsCalibration()).isTrue();
        assertThat(Recipes.open("rtn-w8-sym").steps().getFirst().format())
                .isEqualTo(new IntGroup(8, IntGroup.ROW, true));
        assertThat(Recipes.open("rtn-w4g64").needsCalibration()).isFalse();
    }

    @Test
    void theLastStepThatMatchesAWeightCounts() {
        DecoderSpec spec = Families.read(TinyModel.config(), Set.of(), "tiny");
        Recipe recipe = Recipes.parse("r.yaml", """
                calibration: {samples: 8, length: 64, sampling: random, seed: 5}
                steps:
                  - weights: {method: rtn, format: int4, group: 16}
                  - weights: {method: rtn, format: int8, group: 16, targets: ["*.down_proj.weight"]}
                """);
        QuantizationPlan plan = QuantizationPlan.of(recipe, spec);
        assertThat(plan.targets()).hasSize(14);
        assertThat(recipe.calibration())
                .isEqualTo(new CalibrationOptions(8, 64, CalibrationOptions.Sampling.RANDOM, 5));
        dev.halftone.model.Decoder.linears(spec)
                .forEach(site -> assertThat(
                                plan.step(site).orElseThrow().format().bits())
                        .isEqualTo(site.weight().contains("down_proj") ? 8 : 4));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "steps:\\n  - weights: {method: magic, format: int4}| HT-421 r.yaml:2:23: method is \"magic\"; known are rtn, gptq",
                "steps:\\n  - weights: {method: rtn, format: int9}| HT-421 r.yaml:2:36: format is \"int9\"; known are int2 to int8",
                "steps:\\n  - weights: {method: rtn, format: int4, grop: 64}| HT-421 r.yaml:2:48: \"grop\" is not known here; known are format, group, method, search, symmetric, targets",
                "steps: []| HT-421 r.yaml:1:8: \"steps\" must be a list with at least one entry",
                "steps:\\n  - transform: {method: smoothquant}| HT-421 r.yaml:2:16: \"transform\" is not known here; known are weights",
                "nothing| HT-420 r.yaml: holds no mapping of keys to values; a recipe starts with \"steps:\"",
                "steps: [| HT-420 r.yaml:1:9: is not YAML",
                "steps:\\n  - weights: {method: gptq, format: int4, group: 0}| HT-421 r.yaml:2:50: group is 0; expected a positive number, or -1 for a whole row",
                "steps:\\n  - weights: {method: gptq, format: int4, damping: 2}| HT-421 r.yaml:2:52: damping is 2.0; expected 0 to 1",
                "steps:\\n  - weights: {method: rtn, format: int4, search: best}| HT-403 r.yaml:2:50: search is \"best\"; known are minmax, mse, weighted",
            })
    void aMistakeIsNamedWithItsLineAndColumn(String yaml, String message) {
        assertThatThrownBy(() -> Recipes.parse("r.yaml", yaml.replace("\\n", "\n")))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void targetsThatMatchNothingAreRefused() {
        Recipe recipe = Recipes.parse(
                "r.yaml", "steps:\n  - weights: {method: rtn, format: int4, group: 16, targets: \"*.w1\"}\n");
        assertThatThrownBy(() -> QuantizationPlan.of(recipe, Families.read(TinyModel.config(), Set.of(), "tiny")))
                .hasMessage("HT-430 r.yaml:2:14: targets [*.w1] match no linear weight of the model; names look like"
                        + " model.layers.0.self_attn.q_proj.weight");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gptq-w9g64", "awq", "no/such/file.yaml", "gptq-w3g77"})
    void anUnknownNameListsTheBuiltInOnes(String name) {
        assertThatThrownBy(() -> Recipes.open(name)).hasMessageStartingWith("HT-422 " + name + ": is neither a file");
    }
}
