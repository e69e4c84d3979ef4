package dev.halftone.recipe;

import dev.halftone.recipe.Recipe.TransformStep;
import dev.halftone.transform.AwqScale;
import dev.halftone.transform.AwqScale.Inspect;
import dev.halftone.transform.ChannelScaling;
import dev.halftone.transform.SmoothQuant;
import dev.halftone.yaml.YamlReader;
import java.util.List;
import java.util.Locale;

/** The keys of a recipe's {@code transform} step. */
final class TransformKeys {
    private TransformKeys() {}

    static TransformStep read(YamlReader reader) {
        String method = reader.string("method", "");
        ChannelScaling scaling = switch (method) {
            case "smoothquant" -> smoothQuant(reader);
            case "awq" -> awq(reader);
            default -> throw reader.error("method", "method is \"" + method + "\"; known are smoothquant, awq");
        };
        return new TransformStep(reader.place(), scaling, reader.strings("targets", List.of("*")));
    }

    private static AwqScale awq(YamlReader reader) {
        int grid = reader.integer("grid", 20);
        if (grid < 1 || grid > 1000) {
            throw reader.error("grid", "grid is " + grid + "; expected 1 to 1000");
        }
        String inspect = reader.string("inspect", "module");
        for (Inspect known : Inspect.values()) {
            if (known.name().toLowerCase(Locale.ROOT).equals(inspect)) {
                return new AwqScale(grid, reader.flag("include_one", false), known);
            }
        }
        throw reader.error("inspect", "inspect is \"" + inspect + "\"; known are module, linear");
    }

    private static SmoothQuant smoothQuant(YamlReader reader) {
        double alpha = reader.number("alpha", 0.5);
        if (!(alpha >= 0 && alpha <= 1)) {
            throw reader.error("alpha", "alpha is " + alpha + "; expected 0 to 1");
        }
        return new SmoothQuant(alpha);
    }
}
