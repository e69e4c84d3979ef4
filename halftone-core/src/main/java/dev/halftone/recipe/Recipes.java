package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.error.InputException;
import dev.halftone.format.CacheFormat;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.InputFormat;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.ScaleRule;
import dev.halftone.recipe.Recipe.BlockStep;
import dev.halftone.recipe.Recipe.CacheStep;
import dev.halftone.recipe.Recipe.DistillationStep;
import dev.halftone.recipe.Recipe.InputStep;
import dev.halftone.recipe.Recipe.ReconstructionStep;
import dev.halftone.recipe.Recipe.TransformStep;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.text.TextFiles;
import dev.halftone.yaml.YamlReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Recipes by built-in name or from a YAML file. */
public final class Recipes {
    /** Nothing but the cache's bits. */
    private static final Pattern CACHE = Pattern.compile("kv([2-8])");

    /** method, bits, bits of the inputs, bits of the cache, group, mode, search. */
    private static final Pattern BUILT_IN = Pattern.compile(
            "(?<method>rtn|gptq|awq|smoothquant|signround|gptq-signround|gptq-distill|gptq-signround-distill)-w(?<bits>[2-8])(a(?<inputs>[2-8]|fp8))?(kv(?<cache>[2-8]))?(g(?<group>16|32|64|128|256))?"
                    + "(-(?<mode>sym-full|signed-max|affine|sym))?(-(?<search>"
                    + String.join("|", ClipSearch.names()) + "))?");

    /** method, format of the weights, group, rule, format of the inputs, search. */
    private static final Pattern BUILT_IN_LEVELS = Pattern.compile("(?<method>rtn|gptq)-(?<format>"
            + String.join("|", LevelGroup.names()) + "|fp8|fp6|fp4|mxfp8|mxfp6)(g(?<group>16|32|64|128|256))?(-(?<rule>"
            + Arrays.stream(ScaleRule.values())
                    .filter(rule -> rule != ScaleRule.MSE)
                    .map(ScaleRule::title)
                    .collect(Collectors.joining("|"))
            + "))?(-a(?<inputs>[a-z0-9_]+))?(-(?<search>" + String.join("|", ClipSearch.names()) + "))?");

    private static final String KNOWN =
            "rtn-FORMAT or gptq-FORMAT with FORMAT one of " + String.join(", ", LevelGroup.names())
                    + " (see docs/recipes.md); rtn-wB, gptq-wB, awq-wB, smoothquant-wB, signround-wB, gptq-signround-wB, gptq-distill-wB or gptq-signround-distill-wB with B = 2..8 bits, then aB or afp8 if inputs are quantized too (per"
                    + " token), then kvB if keys and values are, then g16, g32, g64, g128 or g256 (none: one scale per row), then -sym, -sym-full, -signed-max"
                    + " or -affine for another mode, then -minmax, -mse, -weighted, -norm, -output, -ls or -percentile for"
                    + " another search of the grid; gguf-TYPE with TYPE a file type of llama.cpp, such as gguf-q4_k_m, and gguf-TYPE-distill; kvB"
                    + " for keys and values alone; " + SolverRecipes.KNOWN;

    private static final String SIGNROUND = "  - reconstruct: {method: signround}\n";

    private static final String DISTILL = "  - distill: {train: scales}\n";

    /** gguf- and a file type of llama.cpp. */
    private static final Pattern BLOCKS = Pattern.compile("gguf-([a-z0-9_]+)(-distill)?");

    private Recipes() {}

    /**
     * A built-in recipe or a file.
     *
     * @param nameOrFile such as {@code gptq-w3g64} or {@code my.yaml}
     */
    public static Recipe open(String nameOrFile) {
        Matcher builtIn = BUILT_IN.matcher(nameOrFile);
        if (builtIn.matches()) {
            return parse(nameOrFile, builtInYaml(builtIn));
        }
        Matcher levels = BUILT_IN_LEVELS.matcher(nameOrFile);
        if (levels.matches()) {
            return parse(nameOrFile, levelsYaml(levels));
        }
        Optional<String> solver = SolverRecipes.yaml(nameOrFile);
        if (solver.isPresent()) {
            return parse(nameOrFile, solver.get());
        }
        Matcher blocks = BLOCKS.matcher(nameOrFile);
        if (blocks.matches()) {
            return parse(
                    nameOrFile,
                    "steps:\n  - weights: {method: gptq, format: \"gguf:%s\"}\n".formatted(blocks.group(1))
                            + (blocks.group(2) == null ? "" : DISTILL));
        }
        Matcher cache = CACHE.matcher(nameOrFile);
        if (cache.matches()) {
            return parse(nameOrFile, "steps:\n" + cache(cache.group(1)));
        }
        Path file = Path.of(nameOrFile);
        if (!Files.isRegularFile(file)) {
            throw new InputException(
                    "HT-422", nameOrFile, "is neither a file nor a built-in recipe", "built-in are " + KNOWN);
        }
        return parse(nameOrFile, TextFiles.read(file));
    }

    /** A format as the keys of a {@code weights} step, for a mapping on one line: the way back from {@link #parse}. */
    public static String keys(NumberFormat format) {
        return FormatKeys.text(format);
    }

    /** A format as the keys of an {@code inputs} step. */
    public static String keys(InputFormat format) {
        return InputKeys.text(format);
    }

    /** A format as the keys of a {@code cache} step. */
    public static String keys(CacheFormat format) {
        return CacheKeys.text(format);
    }

    /** The recipe file that a built-in name stands for. */
    private static String builtInYaml(Matcher name) {
        return switch (name.group("method")) {
            case "gptq" -> "steps:\n" + weights(name, "gptq", "weighted", "actorder: true") + inputs(name);
            case "gptq-distill" ->
                "steps:\n" + weights(name, "gptq", "weighted", "actorder: true") + DISTILL + inputs(name);
            case "gptq-signround-distill" ->
                "steps:\n" + weights(name, "gptq", "weighted", "actorder: true") + SIGNROUND + DISTILL + inputs(name);
            case "signround" -> "steps:\n" + weights(name, "rtn", "minmax", "") + SIGNROUND + inputs(name);
            case "gptq-signround" ->
                "steps:\n" + weights(name, "gptq", "weighted", "actorder: true") + SIGNROUND + inputs(name);
            case "smoothquant" ->
                "steps:\n  - transform: {method: smoothquant}\n" + weights(name, "rtn", "minmax", "") + inputs(name);
            // The authors do not clip q and k, whose errors meet in a product.
            case "awq" ->
                "propagate: float\nsteps:\n  - transform: {method: awq}\n"
                        + weights(name, "rtn", "output", "")
                        + weights(
                                name,
                                "rtn",
                                "minmax",
                                "targets: [\"*q_proj.weight\", \"*k_proj.weight\", \"*c_attn.weight\","
                                        + " \"*qkv_proj.weight\", \"*query_key_value.weight\", \"*.query.weight\", \"*.key.weight\"]")
                        + inputs(name);
            default -> "steps:\n" + weights(name, "rtn", "minmax", "") + inputs(name);
        };
    }

    private static String levelsYaml(Matcher name) {
        String format = name.group("format");
        String method = name.group("method");
        List<String> keys = new ArrayList<>(List.of("method: " + method, "format: " + format));
        if (name.group("group") != null) {
            keys.add("group: " + name.group("group"));
        }
        if (name.group("rule") != null) {
            keys.add("rule: " + name.group("rule"));
        } else if (format.equals("nvfp4")) {
            // As good, and Python engines decode it exactly.
            keys.add("rule: " + ScaleRule.POWER_UNIT.title());
        }
        if (name.group("search") != null) {
            keys.add("search: " + name.group("search"));
        }
        String inputs = name.group("inputs") == null ? "" : "  - inputs: {format: " + name.group("inputs") + "}\n";
        return "steps:\n  - weights: {" + String.join(", ", keys) + "}\n" + inputs;
    }

    /** @param more another line; empty for none */
    private static String weights(Matcher name, String method, String search, String more) {
        String mode =
                name.group("mode") == null && name.group("method").equals("smoothquant") ? "sym" : name.group("mode");
        boolean plain = mode == null || mode.equals("sym");
        return """
                  - weights:
                      method: %s
                      format: int%s
                      group: %s
                      %s
                      search: %s
                """.formatted(
                                method,
                                name.group("bits"),
                                name.group("group") == null ? "-1" : name.group("group"),
                                plain ? "symmetric: " + (mode != null) : "mode: " + mode,
                                name.group("search") == null ? search : name.group("search"))
                + (more.isEmpty() ? "" : "      " + more + "\n");
    }

    private static String inputs(Matcher name) {
        String bits = name.group("inputs");
        String inputs = bits == null
                ? ""
                : "  - inputs: {format: %s, granularity: token}\n"
                        .formatted(bits.equals("fp8") ? "fp8_e4m3" : "int" + bits);
        return name.group("cache") == null ? inputs : inputs + cache(name.group("cache"));
    }

    private static String cache(String bits) {
        return "  - cache: {method: int-token, bits: %s}\n".formatted(bits);
    }

    /** Reads a recipe's YAML. */
    public static Recipe parse(String name, String yaml) {
        YamlReader root = YamlReader.document(name, yaml);
        YamlReader calibration = root.mapping("calibration");
        CalibrationOptions absent = CalibrationOptions.DEFAULT;
        CalibrationOptions options = calibration == null ? absent : CalibrationKeys.read(calibration, absent);
        List<WeightStep> steps = new ArrayList<>();
        List<BlockStep> blocks = new ArrayList<>();
        List<InputStep> inputSteps = new ArrayList<>();
        List<CacheStep> caches = new ArrayList<>();
        List<TransformStep> transforms = new ArrayList<>();
        List<ReconstructionStep> reconstructions = new ArrayList<>();
        DistillationStep distillation = null;
        for (YamlReader step : root.mappings("steps")) {
            YamlReader weights = step.mapping("weights");
            YamlReader inputs = step.mapping("inputs");
            YamlReader cache = step.mapping("cache");
            YamlReader transform = step.mapping("transform");
            YamlReader reconstruct = step.mapping("reconstruct");
            YamlReader distill = step.mapping("distill");
            step.finish();
            if (Stream.of(weights, inputs, cache, transform, reconstruct, distill)
                            .filter(Objects::nonNull)
                            .count()
                    != 1) {
                throw new InputException(
                        "HT-421",
                        step.place(),
                        "a step is one of: transform, weights, inputs, cache, reconstruct, distill",
                        "");
            }
            if (weights != null) {
                if (BlockKeys.owns(weights)) {
                    blocks.add(BlockKeys.read(weights));
                } else {
                    steps.add(WeightKeys.read(weights));
                }
                weights.finish();
            } else if (inputs != null) {
                inputSteps.add(InputKeys.read(inputs));
                inputs.finish();
            } else if (cache != null) {
                caches.add(CacheKeys.read(cache));
                cache.finish();
            } else if (transform != null) {
                transforms.add(TransformKeys.read(transform));
                transform.finish();
            } else if (reconstruct != null) {
                reconstructions.add(ReconstructionKeys.read(reconstruct));
                reconstruct.finish();
            } else if (distill != null) {
                if (distillation != null) {
                    throw new InputException("HT-421", step.place(), "a recipe has at most one distill step", "");
                }
                distillation = DistillationKeys.read(distill);
                distill.finish();
            }
        }
        String fallback = root.string("on_fallback", "fail");
        if (!List.of("fail", "allow").contains(fallback)) {
            throw root.error("on_fallback", "on_fallback is \"" + fallback + "\"; known are fail, allow");
        }
        String propagate = root.string("propagate", "quantized");
        if (!List.of("quantized", "float").contains(propagate)) {
            throw root.error("propagate", "propagate is \"" + propagate + "\"; known are quantized, float");
        }
        String experts = root.string("uncovered_experts", "");
        ExpertPolicy policy = experts.isEmpty() ? ExpertPolicy.DEFAULT : ExpertPolicy.parse(experts, root.place());
        root.finish();
        return new Recipe(
                name,
                yaml,
                options,
                steps,
                blocks,
                inputSteps,
                caches,
                transforms,
                reconstructions,
                distillation,
                propagate.equals("quantized"),
                fallback.equals("allow"),
                policy);
    }
}
