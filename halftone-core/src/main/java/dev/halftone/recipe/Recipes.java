package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.error.InputException;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.IntGroup;
import dev.halftone.recipe.Recipe.InputStep;
import dev.halftone.recipe.Recipe.TransformStep;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.solver.Gptq;
import dev.halftone.solver.Rtn;
import dev.halftone.solver.WeightSolver;
import dev.halftone.text.TextFiles;
import dev.halftone.yaml.YamlReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Recipes by built-in name or from a YAML file. */
public final class Recipes {
    /** method, bits, bits of the inputs, group, symmetric, search. */
    private static final Pattern BUILT_IN = Pattern.compile(
            "(?<method>rtn|gptq|awq|smoothquant)-w(?<bits>[2-8])(a(?<inputs>[2-8]|fp8))?(g(?<group>16|32|64|128|256))?(?<sym>-sym)?"
                    + "(-(?<search>minmax|mse|weighted))?");

    private static final String KNOWN =
            "rtn-wB, gptq-wB, awq-wB or smoothquant-wB with B = 2..8 bits, then aB or afp8 if inputs are quantized too (per token), then g16, g32, g64, g128 or g256 (none: one scale per row), then -sym if"
                    + " symmetric, then -minmax, -mse or -weighted for another search of the grid";

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
        Path file = Path.of(nameOrFile);
        if (!Files.isRegularFile(file)) {
            throw new InputException(
                    "HT-422", nameOrFile, "is neither a file nor a built-in recipe", "built-in are " + KNOWN);
        }
        return parse(nameOrFile, TextFiles.read(file));
    }

    /** The recipe file that a built-in name stands for. */
    private static String builtInYaml(Matcher name) {
        boolean smooth = name.group("method").equals("smoothquant");
        boolean awq = name.group("method").equals("awq");
        String method = smooth || awq ? "rtn" : name.group("method");
        boolean gptq = method.equals("gptq");
        String search = name.group("search") == null ? (gptq ? "weighted" : "minmax") : name.group("search");
        return """
                %ssteps:
                %s  - weights:
                      method: %s
                      format: int%s
                      group: %s
                      symmetric: %s
                      search: %s
                %s""".formatted(
                                awq ? "propagate: float\n" : "",
                                smooth || awq ? "  - transform: {method: %s}\n".formatted(name.group("method")) : "",
                                method,
                                name.group("bits"),
                                name.group("group") == null ? "-1" : name.group("group"),
                                smooth || name.group("sym") != null,
                                search,
                                gptq ? "      actorder: true\n" : "")
                + inputs(name.group("inputs"));
    }

    private static String inputs(@Nullable String bits) {
        return bits == null
                ? ""
                : "  - inputs: {format: %s, granularity: token}\n"
                        .formatted(bits.equals("fp8") ? "fp8_e4m3" : "int" + bits);
    }

    /** Reads a recipe's YAML. */
    public static Recipe parse(String name, String yaml) {
        YamlReader root = YamlReader.document(name, yaml);
        YamlReader calibration = root.mapping("calibration");
        CalibrationOptions options =
                calibration == null ? CalibrationOptions.DEFAULT : CalibrationKeys.read(calibration);
        List<WeightStep> steps = new ArrayList<>();
        List<InputStep> inputSteps = new ArrayList<>();
        List<TransformStep> transforms = new ArrayList<>();
        for (YamlReader step : root.mappings("steps")) {
            YamlReader weights = step.mapping("weights");
            YamlReader inputs = step.mapping("inputs");
            YamlReader transform = step.mapping("transform");
            step.finish();
            if (Stream.of(weights, inputs, transform).filter(Objects::nonNull).count() != 1) {
                throw new InputException("HT-421", step.place(), "a step is one of: transform, weights, inputs", "");
            }
            if (weights != null) {
                steps.add(weightStep(weights));
                weights.finish();
            } else if (inputs != null) {
                inputSteps.add(InputKeys.read(inputs));
                inputs.finish();
            } else if (transform != null) {
                transforms.add(TransformKeys.read(transform));
                transform.finish();
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
        root.finish();
        return new Recipe(
                name,
                yaml,
                options,
                steps,
                inputSteps,
                transforms,
                propagate.equals("quantized"),
                fallback.equals("allow"));
    }

    private static WeightStep weightStep(YamlReader reader) {
        String method = reader.string("method", "");
        String format = reader.string("format", "");
        if (!format.matches("int[2-8]")) {
            throw reader.error("format", "format is \"" + format + "\"; known are int2 to int8");
        }
        int group = reader.integer("group", IntGroup.ROW);
        if (group < 1 && group != IntGroup.ROW) {
            throw reader.error("group", "group is " + group + "; expected a positive number, or -1 for a whole row");
        }
        IntGroup grid = new IntGroup(Integer.parseInt(format.substring(3)), group, reader.flag("symmetric", false));
        WeightSolver solver = switch (method) {
            case "rtn" -> new Rtn(search(reader, "minmax"));
            case "gptq" -> gptq(reader);
            default -> throw reader.error("method", "method is \"" + method + "\"; known are rtn, gptq");
        };
        return new WeightStep(reader.place(), solver, grid, reader.strings("targets", List.of("*")));
    }

    private static Gptq gptq(YamlReader reader) {
        boolean actOrder = reader.flag("actorder", true);
        boolean staticGroups = reader.flag("static_groups", actOrder);
        if (actOrder && !staticGroups) {
            throw reader.error(
                    "static_groups", "actorder needs static_groups: true, or the column order would have to be stored");
        }
        double damping = reader.number("damping", 0.01);
        if (!(damping >= 0 && damping <= 1)) {
            throw reader.error("damping", "damping is " + damping + "; expected 0 to 1");
        }
        return new Gptq(new Gptq.Options(search(reader, "weighted"), actOrder, staticGroups, damping));
    }

    private static ClipSearch search(YamlReader reader, String absent) {
        return ClipSearch.named(reader.string("search", absent), reader.place("search"));
    }
}
