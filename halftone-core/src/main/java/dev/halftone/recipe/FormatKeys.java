package dev.halftone.recipe;

import dev.halftone.format.Codebook;
import dev.halftone.format.Elements;
import dev.halftone.format.GridMode;
import dev.halftone.format.InputFormat.Levels;
import dev.halftone.format.InputFormat.Numbers;
import dev.halftone.format.IntGroup;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.ScaleRule;
import dev.halftone.format.ScaleType;
import dev.halftone.yaml.YamlReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The keys of a recipe that say what numbers are stored as. */
final class FormatKeys {
    private static final Pattern TILE = Pattern.compile("([1-9][0-9]{0,8})x(-1|[1-9][0-9]{0,8})");
    private static final String KNOWN =
            "int2 to int8, ternary, binary, codebook, " + String.join(", ", LevelGroup.names());

    private FormatKeys() {}

    /** {@code format} and what goes with it in a step of weights. */
    static NumberFormat weights(YamlReader reader) {
        String name = reader.string("format", "");
        if (name.matches("int[2-8]|ternary|binary")) {
            return integers(reader, name);
        }
        LevelGroup format = name.equals("codebook")
                ? codebook(reader)
                : LevelGroup.named(name)
                        .orElseThrow(() -> reader.error("format", "format is \"" + name + "\"; known are " + KNOWN));
        return levels(reader, format);
    }

    /** The keys that {@link #weights} reads as this format, as they stand in a mapping on one line. */
    static String text(NumberFormat format) {
        String tile = format.rows() == 1
                ? String.valueOf(format.group())
                : format.rows() == NumberFormat.ALL_ROWS && format.group() == NumberFormat.ROW
                        ? "tensor"
                        : format.rows() + "x" + format.group();
        String keys = switch (format) {
            case IntGroup f -> integers(f);
            case LevelGroup f -> levels(f);
        };
        return keys + ", group: " + tile;
    }

    private static String integers(IntGroup format) {
        String scale = ", scale: " + format.scale().title();
        return switch (format.mode()) {
            case TERNARY, BINARY -> "format: " + format.mode().title() + scale;
            case SYM_WIDE -> "format: int" + format.bits() + ", symmetric: true" + scale;
            case SYM, SYM_FULL, SIGNED_MAX, ASYM, AFFINE ->
                "format: int" + format.bits() + ", mode: " + format.mode().title() + scale;
        };
    }

    private static String levels(LevelGroup format) {
        boolean powers = format.scale() == ScaleType.E8M0;
        String rule = format.rule() == ScaleRule.ABSMAX
                ? ""
                : ", rule: " + format.rule().title();
        String rest = powers ? rule : ", scale: " + format.scale().title() + rule;
        return LevelGroup.names().stream()
                        .filter(name -> LevelGroup.named(name)
                                .filter(known -> known.elements().equals(format.elements())
                                        && (known.scale() == ScaleType.E8M0) == powers)
                                .isPresent())
                        .findFirst()
                        .map(name -> "format: " + name)
                        .orElseGet(() -> "format: codebook, levels: "
                                + (format.elements() instanceof Codebook book ? book.levels() : List.of()))
                + rest;
    }

    private static LevelGroup codebook(YamlReader reader) {
        List<Float> levels = levels(reader);
        return WeightKeys.placed(reader, "levels", () -> LevelGroup.of(Elements.of(levels), ScaleType.F16));
    }

    private static List<Float> levels(YamlReader reader) {
        List<Float> levels = new ArrayList<>();
        for (String level : reader.strings("levels", List.of())) {
            try {
                levels.add(Float.parseFloat(level));
            } catch (NumberFormatException e) {
                throw reader.error("levels", "level \"" + level + "\" is no number");
            }
        }
        return levels;
    }

    private static LevelGroup levels(YamlReader reader, LevelGroup format) {
        LevelGroup tiled = format;
        if (reader.has("group")) {
            Tile tile = tile(reader);
            tiled = format.withTile(tile.rows(), tile.inputs());
        }
        LevelGroup result = tiled;
        if (format.scale() == ScaleType.E8M0) {
            return ruled(reader, result);
        }
        ScaleType scale = scale(reader, format.scale());
        return ruled(reader, WeightKeys.placed(reader, "scale", () -> result.withScale(scale)));
    }

    /** With the rule that the step names, if it names one; the key is none of formats that have no choice. */
    private static LevelGroup ruled(YamlReader reader, LevelGroup format) {
        List<ScaleRule> rules = ScaleRule.of(format.scale());
        if (rules.size() == 1 || !reader.has("rule")) {
            return format;
        }
        ScaleRule rule = WeightKeys.choice(reader, "rule", rules.toArray(ScaleRule[]::new), ScaleRule::title);
        return WeightKeys.placed(reader, "rule", () -> format.withRule(rule));
    }

    private static ScaleType scale(YamlReader reader, ScaleType absent) {
        return reader.has("scale") ? WeightKeys.choice(reader, "scale", ScaleType.values(), ScaleType::title) : absent;
    }

    private static IntGroup integers(YamlReader reader, String name) {
        int bits = switch (name) {
            case "binary" -> 1;
            case "ternary" -> 2;
            default -> Integer.parseInt(name.substring(3));
        };
        GridMode mode = mode(reader, name);
        ScaleType scale = scale(reader, ScaleType.F16);
        Tile tile = tile(reader);
        return WeightKeys.placed(
                reader, "scale", () -> new IntGroup(bits, tile.inputs(), mode, scale, tile.rows(), false));
    }

    /** What shares a scale. */
    private record Tile(int rows, int inputs) {}

    private static Tile tile(YamlReader reader) {
        String group = reader.string("group", String.valueOf(NumberFormat.ROW));
        Matcher tile = TILE.matcher(group);
        int rows =
                group.equals("tensor") ? NumberFormat.ALL_ROWS : tile.matches() ? Integer.parseInt(tile.group(1)) : 1;
        int inputs = switch (group) {
            case "tensor", "row" -> NumberFormat.ROW;
            default -> tile.matches() ? Integer.parseInt(tile.group(2)) : inputs(reader, group);
        };
        return new Tile(rows, inputs);
    }

    private static int inputs(YamlReader reader, String group) {
        String expected = "; expected a positive number, or -1 for a whole row, or tensor, or ROWSxINPUTS";
        try {
            int inputs = Integer.parseInt(group);
            if (inputs >= 1 || inputs == NumberFormat.ROW) {
                return inputs;
            }
        } catch (NumberFormatException e) {
            throw reader.error("group", "group is \"" + group + "\"" + expected);
        }
        throw reader.error("group", "group is " + group + expected);
    }

    private static GridMode mode(YamlReader reader, String format) {
        if (!format.startsWith("int")) {
            return format.equals("binary") ? GridMode.BINARY : GridMode.TERNARY;
        }
        if (!reader.has("mode")) {
            return reader.flag("symmetric", false) ? GridMode.SYM_WIDE : GridMode.ASYM;
        }
        GridMode[] modes = Arrays.stream(GridMode.values())
                .filter(mode -> mode != GridMode.TERNARY && mode != GridMode.BINARY)
                .toArray(GridMode[]::new);
        GridMode mode = WeightKeys.choice(reader, "mode", modes, GridMode::title);
        if (reader.has("symmetric") && reader.flag("symmetric", false) != mode.symmetric()) {
            throw reader.error("symmetric", "symmetric contradicts mode " + mode.title());
        }
        return mode;
    }

    /** {@code format} of a step of inputs. */
    static Numbers inputs(YamlReader reader) {
        String name = reader.string("format", "");
        Numbers numbers = Numbers.named(name, reader.flag("symmetric", true))
                .orElseThrow(() -> reader.error(
                        "format",
                        "format is \"" + name + "\"; known are int2 to int8, "
                                + String.join(", ", LevelGroup.names())));
        return numbers instanceof Levels(String title, LevelGroup format)
                ? new Levels(title, ruled(reader, format))
                : numbers;
    }
}
