package dev.halftone.recipe;

import dev.halftone.format.InputFormat;
import dev.halftone.format.InputFormat.Granularity;
import dev.halftone.format.InputFormat.Numbers;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.ScaleRule;
import dev.halftone.recipe.Recipe.InputStep;
import dev.halftone.yaml.YamlReader;
import java.util.List;
import java.util.Locale;

/** The keys of a recipe's {@code inputs} step. */
final class InputKeys {
    private InputKeys() {}

    static InputStep read(YamlReader reader) {
        Granularity granularity = granularity(reader);
        int group = reader.integer("group", 0);
        if ((group > 0) != (granularity == Granularity.GROUP)) {
            throw reader.error(
                    "group",
                    granularity == Granularity.GROUP
                            ? "group is " + group + "; expected a positive number"
                            : "group needs granularity: group");
        }
        Numbers numbers = FormatKeys.inputs(reader);
        return new InputStep(
                reader.place(),
                WeightKeys.placed(reader, "granularity", () -> new InputFormat(numbers, granularity, group)),
                reader.strings("targets", List.of("*")));
    }

    /** The keys that are read as this format, as they stand in a mapping on one line. */
    static String text(InputFormat format) {
        String numbers = switch (format.numbers()) {
            case InputFormat.Int(int bits, boolean symmetric) -> "int%d, symmetric: %b".formatted(bits, symmetric);
            case InputFormat.Float8 float8 -> "fp8_" + float8.name().toLowerCase(Locale.ROOT);
            case InputFormat.Levels(String name, LevelGroup levels) ->
                name
                        + (levels.rule() == ScaleRule.ABSMAX
                                ? ""
                                : ", rule: " + levels.rule().title());
        };
        String group = format.granularity() == Granularity.GROUP ? ", group: " + format.group() : "";
        return "format: %s, granularity: %s%s"
                .formatted(numbers, format.granularity().name().toLowerCase(Locale.ROOT), group);
    }

    private static Granularity granularity(YamlReader reader) {
        String name = reader.string("granularity", "token");
        for (Granularity known : Granularity.values()) {
            if (known.name().toLowerCase(Locale.ROOT).equals(name)) {
                return known;
            }
        }
        throw reader.error(
                "granularity", "granularity is \"" + name + "\"; known are tensor, token, group, static (per tensor)");
    }
}
