package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.TinyModel;
import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.calibration.CalibrationSource.Mode;
import dev.halftone.calibration.CalibrationSource.Text;
import dev.halftone.error.InputException;
import dev.halftone.format.IntGroup;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.Families;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
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
                calibration: {mode: gptq, text: a.txt, samples: 8, length: 64, seed: 5}
                steps:
                  - weights: {method: rtn, format: int4, group: 16}
                  - weights: {method: rtn, format: int8, group: 16, targets: ["*.down_proj.weight"]}
                """);
        QuantizationPlan plan = QuantizationPlan.of(recipe, spec);
        assertThat(plan.targets()).hasSize(14);
        assertThat(recipe.calibration())
                .isEqualTo(new CalibrationOptions(new Text(Mode.GPTQ, List.of(Path.of("a.txt"))), 8, 64, 5));
        dev.halftone.model.Decoder.linears(spec)
                .forEach(site -> assertThat(
                                plan.step(site).orElseThrow().format().bits())
                        .isEqualTo(site.weight().contains("down_proj") ? 8 : 4));
    }

    @ParameterizedTest
    @MethodSource("sources")
    void everySourceIsReadWithItsOwnKeys(String keys, CalibrationSource expected) {
        Recipe recipe = Recipes.parse(
                "r.yaml",
                "calibration: {" + keys
                        + "seed: -9007199254740993}\nsteps:\n  - weights: {method: rtn, format: int4}\n");
        assertThat(recipe.calibration()).isEqualTo(new CalibrationOptions(expected, 128, 512, -9007199254740993L));
        assertThat(CalibrationSource.named(expected.name()).name()).isEqualTo(expected.name());
    }

    static List<Arguments> sources() {
        List<Path> files = List.of(Path.of("a"), Path.of("b"));
        return List.of(
                Arguments.of("", new Text(Mode.FIRST, List.of())),
                Arguments.of("source: text, mode: document, text: [a, b], ", new Text(Mode.DOCUMENT, files)),
                Arguments.of("mode: pack, text: [a, b], ", new Text(Mode.PACK, files)),
                Arguments.of("mode: truncate, text: [a, b], ", new Text(Mode.TRUNCATE, files)),
                Arguments.of("source: punctuation, ", new CalibrationSource.Punctuation()),
                Arguments.of("source: ascii, ", new CalibrationSource.Ascii()),
                Arguments.of("source: tokens, ", new CalibrationSource.Tokens()),
                Arguments.of("source: unigram, text: [a, b], ", new CalibrationSource.Unigram(files)),
                Arguments.of("source: shuffle, text: [a, b], ", new CalibrationSource.Shuffle(files)),
                Arguments.of("source: repeat, ", new CalibrationSource.Repeat(-1)),
                Arguments.of("source: repeat, token: 7, ", new CalibrationSource.Repeat(7)),
                Arguments.of("source: task, task: [a, b], ", new CalibrationSource.Task(files, false)),
                Arguments.of("source: task, task: [a, b], leak: true, ", new CalibrationSource.Task(files, true)),
                Arguments.of("source: language, language: [a, b], ", new CalibrationSource.Language(files)),
                Arguments.of("source: self, ", new CalibrationSource.Self()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "source: noise| HT-421 r.yaml:1:23: source is \"noise\"; known are text, punctuation, ascii, tokens, unigram,"
                        + " shuffle, repeat, task, language, self",
                "mode: random| HT-421 r.yaml:1:21: mode is \"random\"; known are first, gptq, document, pack, truncate",
                "sampling: random| HT-421 r.yaml:1:25: \"sampling\" is not known here",
                "source: punctuation, text: a| HT-421 r.yaml:1:42: \"text\" is not known here; known are length, samples, seed, source",
                "source: task, text: a| HT-421 r.yaml:1:35: \"text\" is not known here",
                "source: task, leak: maybe| HT-421 r.yaml:1:35: \"leak\" is \"maybe\"; expected true or false",
                "source: repeat, token: -1| HT-421 r.yaml:1:38: token is -1; expected a token id",
                "seed: 1e3| HT-421 r.yaml:1:21: \"seed\" is \"1e3\"; expected a whole number",
            })
    void aMistakeInTheCalibrationIsNamedWithItsLineAndColumn(String keys, String message) {
        String yaml = "calibration: {" + keys + "}\nsteps:\n  - weights: {method: rtn, format: int4}\n";
        assertThatThrownBy(() -> Recipes.parse("r.yaml", yaml))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "steps:\\n  - weights: {method: magic, format: int4}| HT-421 r.yaml:2:23: method is \"magic\"; known are rtn, gptq, amvm, quantease",
                "steps:\\n  - weights: {method: rtn, format: int9}| HT-421 r.yaml:2:36: format is \"int9\"; known are int2 to int8",
                "steps:\\n  - weights: {method: rtn, format: int4, grop: 64}| HT-421 r.yaml:2:48: \"grop\" is not known here; known are format, group, method, mode, outliers, polish, scale, search, symmetric, targets",
                "steps: []| HT-421 r.yaml:1:8: \"steps\" must be a list with at least one entry",
                "steps:\\n  - transform: {method: rougher}| HT-421 r.yaml:2:25: method is \"rougher\"; known are smoothquant, awq",
                "steps:\\n  - transform: {method: smoothquant, alpha: 1.5}| HT-421 r.yaml:2:45: alpha is 1.5; expected 0 to 1",
                "steps:\\n  - caches: {bits: 4}| HT-421 r.yaml:2:13: \"caches\" is not known here; known are cache, distill, inputs, reconstruct, transform, weights",
                "steps:\\n  - cache: {method: kivi}| HT-421 r.yaml:2:21: method is \"kivi\"; known is int-token",
                "steps:\\n  - {}| HT-421 r.yaml:2:5: a step is one of: transform, weights, inputs, cache, reconstruct, distill",
                "steps:\\n  - inputs: {format: int9}| HT-421 r.yaml:2:22: format is \"int9\"; known are int2 to int8, fp8_e4m3, fp8_e5m2",
                "steps:\\n  - inputs: {format: int8, granularity: row}| HT-421 r.yaml:2:41: granularity is \"row\"; known are tensor, token, group, static",
                "steps:\\n  - inputs: {format: int8, granularity: group}| HT-421 r.yaml:2:13: group is 0; expected a positive number",
                "steps:\\n  - inputs: {format: int8, group: 64}| HT-421 r.yaml:2:35: group needs granularity: group",
                "steps:\\n  - inputs: {format: mxfp4, granularity: tensor}| HT-407 r.yaml:2:42: mxfp4 has blocks of its own",
                "steps:\\n  - weights: {method: rtn, format: nvfp4, rule: ceil}| HT-421 r.yaml:2:49: rule is \"ceil\"; known are absmax, power-unit",
                "steps:\\n  - inputs: {format: nvfp4, granularity: group, group: 8}| HT-407 r.yaml:2:42: nvfp4 has blocks of its own",
                "steps:\\n  - weights: {method: rtn, format: mxfp4, scale: fp16}| HT-421 r.yaml:2:50: \"scale\" is not known here",
                "steps:\\n  - weights: {method: rtn, format: mxfp4, rule: up}| HT-421 r.yaml:2:49: rule is \"up\"; known are ocp-floor, ceil, round, ct, floor-4-3, mse",
                "steps:\\n  - weights: {method: rtn, format: mxfp8, rule: floor-4-3}| HT-407 r.yaml:2:49: rule floor-4-3 is for e2m1",
                "steps:\\n  - weights: {method: rtn, format: codebook, levels: [1, 0]}| HT-412 r.yaml:2:54: a codebook has level 1",
                "steps:\\n  - weights: {method: rtn, format: codebook, levels: [1, a]}| HT-421 r.yaml:2:54: level \"a\" is no number",
                "nothing| HT-420 r.yaml: holds no mapping of keys to values; a recipe starts with \"steps:\"",
                "steps: [| HT-420 r.yaml:1:9: is not YAML",
                "steps:\\n  - weights: {method: gptq, format: int4, group: 0}| HT-421 r.yaml:2:50: group is 0; expected a positive number, or -1 for a whole row",
                "steps:\\n  - weights: {method: gptq, format: int4, damping: 2}| HT-421 r.yaml:2:52: damping is 2.0; expected 0 to 1",
                "steps:\\n  - weights: {method: rtn, format: int4, group: 4x}| HT-421 r.yaml:2:49: group is \"4x\"; expected a positive number, or -1 for a whole row, or tensor, or ROWSxINPUTS",
                "steps:\\n  - weights: {method: rtn, format: int4, mode: odd}| HT-421 r.yaml:2:48: mode is \"odd\"; known are sym, sym-full, sym-wide, signed-max, asym, affine",
                "steps:\\n  - weights: {method: rtn, format: int4, mode: asym, symmetric: true}| HT-421 r.yaml:2:65: symmetric contradicts mode asym",
                "steps:\\n  - weights: {method: rtn, format: int4, scale: int8}| HT-421 r.yaml:2:49: scale is \"int8\"; known are fp16, bf16, fp32, e4m3, e8m0",
                "steps:\\n  - weights: {method: rtn, format: int4, mode: affine, scale: e8m0}| HT-407 r.yaml:2:63: affine stores minima beside its scales",
                "steps:\\n  - weights: {method: rtn, format: int4, search: {measure: all}}| HT-421 r.yaml:2:60: measure is \"all\"; known are plain, weighted, output",
                "steps:\\n  - weights: {method: rtn, format: int4, search: {name: mse, step: 0.1}}| HT-408 r.yaml:2:50: step of a search is 0.1; expected one that keeps all ratios above 0",
                "steps:\\n  - weights: {method: rtn, format: int4, search: {nam: mse}}| HT-421 r.yaml:2:56: \"nam\" is not known here; known are bounds, candidates, measure, name, norm, quantile, ratio, refits, step, zeros",
                "steps:\\n  - weights: {method: gptq, format: int4, order: rising}| HT-421 r.yaml:2:50: order is \"rising\"; known are natural, act, gar",
                "steps:\\n  - weights: {method: gptq, format: int4, order: gar, actorder: true}| HT-421 r.yaml:2:65: actorder contradicts order gar",
                "steps:\\n  - weights: {method: gptq, format: int4, stale_grids: true}| HT-421 r.yaml:2:56: stale_grids needs static_groups: false",
                "steps:\\n  - weights: {method: gptq, format: int4, damping_step: -1}| HT-421 r.yaml:2:57: damping_step is -1.0; expected 0 to 1",
                "steps:\\n  - weights: {method: rtn, format: int4, search: best}| HT-403 r.yaml:2:50: search is \"best\"; known are minmax, mse, weighted",
            })
    void aMistakeIsNamedWithItsLineAndColumn(String yaml, String message) {
        assertThatThrownBy(() -> Recipes.parse("r.yaml", yaml.replace("\\n", "\n")))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "format: int4| int4 per row asymmetric",
                "format: int4, group: 64, symmetric: true| int4 g64 symmetric",
                "format: int4, group: tensor, mode: sym| int4 sym per tensor",
                "format: int4, group: row, mode: sym-full, scale: fp32| int4 sym-full per row fp32 scales",
                "format: int8, group: 128x128, mode: sym-wide, scale: bf16| int8 tiles of 128x128 symmetric bf16 scales",
                "format: int5, group: 32, mode: affine| int5 affine g32",
                "format: int3, group: 16, mode: signed-max, scale: e4m3| int3 signed-max g16 e4m3 scales",
                "format: ternary, group: 64, scale: e8m0| ternary g64 e8m0 scales",
                "format: binary, group: 64| binary g64",
                "format: mxfp4| mxfp4_e2m1 ocp-floor",
                "format: mxfp8_e5m2, rule: ceil| mxfp8_e5m2 ceil",
                "format: mxint6, group: 64, rule: mse| int6 g64 e8m0 mse scales",
                "format: nvfp4| nvfp4_e2m1",
                "format: nvfp4, rule: power-unit| nvfp4_e2m1 power-unit",
                "format: nvint4| nvint4",
                "format: fp8, group: 128x128| fp8_e4m3 tiles of 128x128 fp32 scales",
                "format: fp6_e3m2, group: tensor, scale: bf16| fp6_e3m2 per tensor bf16 scales",
                "format: nf4, group: 64| nf4 g64",
                "format: 'codebook', levels: [-1, -0.2, 0, 0.2, 1], group: 32| codebook of 5 g32",
            })
    void everyFormatCanBeSaid(String keys, String label) {
        Recipe recipe = Recipes.parse("r.yaml", "steps:\n  - weights: {method: rtn, " + keys + "}\n");
        assertThat(recipe.steps().getFirst().format().label()).isEqualTo(label);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "norm| false",
                "output| true",
                "ls| false",
                "percentile| false",
                "{ratio: 0.9}| false",
                "{quantile: 0.99, refits: 2}| false",
                "{name: weighted, candidates: 40, step: 0.02, norm: 2.4}| true",
                "{bounds: magnitude, candidates: 10, step: 0.05, measure: output}| true",
            })
    void everySearchCanBeSaidAndSaysWhetherItNeedsCalibration(String search, boolean calibrated) {
        Recipe recipe =
                Recipes.parse("r.yaml", "steps:\n  - weights: {method: rtn, format: int4, search: " + search + "}\n");
        assertThat(recipe.needsCalibration()).isEqualTo(calibrated);
    }

    @ParameterizedTest
    @CsvSource({
        "rtn-w4g64-signed-max, int4 signed-max g64",
        "gptq-w3-sym-full-norm, int3 sym-full per row",
        "rtn-w5g32-affine-mse, int5 affine g32",
        "rtn-w4g16-sym-output, int4 g16 symmetric"
    })
    void builtInNamesMayEndWithAModeAndASearch(String name, String label) {
        assertThat(Recipes.open(name).steps().getFirst().format().label()).isEqualTo(label);
    }

    @ParameterizedTest
    @CsvSource({
        "rtn-mxfp4, mxfp4_e2m1 ocp-floor, ",
        "rtn-mxfp8-ceil-amxfp8_e5m2, mxfp8_e4m3 ceil, mxfp8_e5m2 ocp-floor",
        "gptq-nvfp4-mse, nvfp4_e2m1 power-unit, ",
        "rtn-nvfp4-absmax, nvfp4_e2m1, ",
        "rtn-nf4g64, nf4 g64, ",
        "rtn-nvint4-anvint4, nvint4, nvint4 per token",
        "gptq-fp6_e2m3g64-afp8_e4m3-minmax, fp6_e2m3 g64 fp32 scales, fp8 e4m3 per token"
    })
    void builtInNamesKnowTheFormatsOfLevels(String name, String label, @Nullable String inputs) {
        Recipe recipe = Recipes.open(name);
        assertThat(recipe.steps().getFirst().format().label()).isEqualTo(label);
        assertThat(recipe.inputs().stream().map(step -> step.format().label()))
                .isEqualTo(inputs == null ? List.of() : List.of(inputs));
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

    @ParameterizedTest
    @ValueSource(
            strings = {
                "format: int3, group: 64",
                "format: int8, symmetric: true, group: tensor, scale: fp32",
                "format: int4, mode: affine, group: 128x32, scale: bf16",
                "format: ternary, group: 8x-1",
                "format: binary, group: 32",
                "format: mxfp4, rule: floor-4-3",
                "format: nvfp4",
                "format: nvfp4, rule: power-unit",
                "format: nf4, group: 64, scale: fp32",
                "format: fp8_e5m2",
                "format: codebook, levels: [-1, -0.25, 0.5, 1], group: 16"
            })
    void aFormatComesBackFromItsKeys(String keys) {
        var format = Recipes.parse("a", "steps: [{weights: {method: rtn, %s}}]".formatted(keys))
                .steps()
                .getFirst()
                .format();
        var again = Recipes.parse("b", "steps: [{weights: {method: rtn, %s}}]".formatted(Recipes.keys(format)))
                .steps()
                .getFirst()
                .format();
        assertThat(again).isEqualTo(format);
    }
}
