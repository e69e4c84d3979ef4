package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.error.InputException;
import dev.halftone.format.ClipSearch;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.text.TextFiles;
import dev.halftone.yaml.YamlReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Recipes by built-in name or from a YAML file. */
public final class Recipes {
    /** method, bits, group, mode, search. */
    private static final Pattern BUILT_IN = Pattern.compile(
            "(?<method>rtn|gptq)-w(?<bits>[2-8])(g(?<group>16|32|64|128|256))?(-(?<mode>sym-full|signed-max|affine|sym))?(-(?<search>"
                    + String.join("|", ClipSearch.names()) + "))?");

    private static final String KNOWN =
            "rtn-wB or gptq-wB with B = 2..8 bits, then g16, g32, g64, g128 or g256 (none: one scale per row), then -sym,"
                    + " -sym-full, -signed-max or -affine for another mode, then -minmax, -mse, -weighted, -norm, -output,"
                    + " -ls or -percentile for another search of the grid";

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
        String method = name.group("method");
        boolean gptq = method.equals("gptq");
        String search = name.group("search") == null ? (gptq ? "weighted" : "minmax") : name.group("search");
        String mode = name.group("mode");
        boolean plain = mode == null || mode.equals("sym");
        return """
                steps:
                  - weights:
                      method: %s
                      format: int%s
                      group: %s
                      %s
                      search: %s
                %s""".formatted(
                        method,
                        name.group("bits"),
                        name.group("group") == null ? "-1" : name.group("group"),
                        plain ? "symmetric: " + (mode != null) : "mode: " + mode,
                        search,
                        gptq ? "      actorder: true\n" : "");
    }

    /** Reads a recipe's YAML. */
    public static Recipe parse(String name, String yaml) {
        YamlReader root = YamlReader.document(name, yaml);
        YamlReader calibration = root.mapping("calibration");
        CalibrationOptions options =
                calibration == null ? CalibrationOptions.DEFAULT : CalibrationKeys.read(calibration);
        List<WeightStep> steps = new ArrayList<>();
        for (YamlReader step : root.mappings("steps")) {
            YamlReader weights = step.mapping("weights");
            step.finish();
            if (weights == null) {
                throw new InputException("HT-421", step.place(), "step is empty; known is weights", "");
            }
            steps.add(WeightKeys.read(weights));
            weights.finish();
        }
        String fallback = root.string("on_fallback", "fail");
        if (!List.of("fail", "allow").contains(fallback)) {
            throw root.error("on_fallback", "on_fallback is \"" + fallback + "\"; known are fail, allow");
        }
        String propagate = root.string("propagate", "quantized");
        if (!propagate.equals("quantized")) {
            throw root.error("propagate", "propagate is \"" + propagate + "\"; known is quantized");
        }
        root.finish();
        return new Recipe(name, yaml, options, steps, fallback.equals("allow"));
    }
}
