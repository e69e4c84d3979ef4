package dev.halftone.recipe;

import dev.halftone.recipe.Recipe.TransformStep;
import dev.halftone.transform.ChannelScaling;
import dev.halftone.transform.SmoothQuant;
import dev.halftone.yaml.YamlReader;
import java.util.List;

/** The keys of a recipe's {@code transform} step. */
final class TransformKeys {
    private TransformKeys() {}

    static TransformStep read(YamlReader reader) {
        String method = reader.string("method", "");
        ChannelScaling scaling = switch (method) {
            case "smoothquant" -> smoothQuant(reader);
            default -> throw reader.error("method", "method is \"" + method + "\"; known is smoothquant");
        };
        return new TransformStep(reader.place(), scaling, reader.strings("targets", List.of("*")));
    }

    private static SmoothQuant smoothQuant(YamlReader reader) {
        double alpha = reader.number("alpha", 0.5);
        if (!(alpha >= 0 && alpha <= 1)) {
            throw reader.error("alpha", "alpha is " + alpha + "; expected 0 to 1");
        }
        return new SmoothQuant(alpha);
    }
}
