package dev.halftone.recipe;

import dev.halftone.error.InputException;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.ClipSearch.Bounds;
import dev.halftone.format.ClipSearch.Measure;
import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.ScaleType;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.solver.ColumnOrder;
import dev.halftone.solver.Gptq;
import dev.halftone.solver.Rtn;
import dev.halftone.solver.WeightSolver;
import dev.halftone.yaml.YamlReader;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The keys of a recipe's {@code weights}. */
final class WeightKeys {
    private static final Pattern TILE = Pattern.compile("([1-9][0-9]{0,8})x(-1|[1-9][0-9]{0,8})");

    private WeightKeys() {}

    static WeightStep read(YamlReader reader) {
        String method = reader.string("method", "");
        IntGroup format = format(reader);
        WeightSolver solver = switch (method) {
            case "rtn" -> new Rtn(search(reader, "minmax"));
            case "gptq" -> gptq(reader, format);
            default -> throw reader.error("method", "method is \"" + method + "\"; known are rtn, gptq");
        };
        return new WeightStep(reader.place(), solver, format, reader.strings("targets", List.of("*")));
    }

    private static IntGroup format(YamlReader reader) {
        String name = reader.string("format", "");
        if (!name.matches("int[2-8]|ternary|binary")) {
            throw reader.error("format", "format is \"" + name + "\"; known are int2 to int8, ternary, binary");
        }
        int bits = switch (name) {
            case "binary" -> 1;
            case "ternary" -> 2;
            default -> Integer.parseInt(name.substring(3));
        };
        GridMode mode = mode(reader, name);
        ScaleType scale =
                reader.has("scale") ? choice(reader, "scale", ScaleType.values(), ScaleType::title) : ScaleType.F16;
        String group = reader.string("group", String.valueOf(IntGroup.ROW));
        Matcher tile = TILE.matcher(group);
        int rows = group.equals("tensor") ? IntGroup.ALL_ROWS : tile.matches() ? Integer.parseInt(tile.group(1)) : 1;
        int inputs = switch (group) {
            case "tensor", "row" -> IntGroup.ROW;
            default -> tile.matches() ? Integer.parseInt(tile.group(2)) : inputs(reader, group);
        };
        return placed(reader, "scale", () -> new IntGroup(bits, inputs, mode, scale, rows, false));
    }

    private static int inputs(YamlReader reader, String group) {
        String expected = "; expected a positive number, or -1 for a whole row, or tensor, or ROWSxINPUTS";
        try {
            int inputs = Integer.parseInt(group);
            if (inputs >= 1 || inputs == IntGroup.ROW) {
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
        GridMode mode = choice(reader, "mode", modes, GridMode::title);
        if (reader.has("symmetric") && reader.flag("symmetric", false) != mode.symmetric()) {
            throw reader.error("symmetric", "symmetric contradicts mode " + mode.title());
        }
        return mode;
    }

    private static Gptq gptq(YamlReader reader, IntGroup format) {
        ColumnOrder order = order(reader);
        // Grids of whole rows and of several rows are fitted before the first column in any case.
        boolean fixed = format.group() == IntGroup.ROW || format.rows() != 1;
        boolean staticGroups = reader.flag("static_groups", order != ColumnOrder.NATURAL) || fixed;
        boolean stale = reader.flag("stale_grids", false);
        if (stale && staticGroups) {
            throw reader.error("stale_grids", "stale_grids needs static_groups: false and groups within a row");
        }
        return new Gptq(new Gptq.Options(
                search(reader, "weighted"),
                order,
                staticGroups,
                stale,
                share(reader, "damping", 0.01),
                share(reader, "damping_step", Gptq.DAMPING_STEP),
                reader.flag("damping_floor", false)));
    }

    private static ColumnOrder order(YamlReader reader) {
        boolean actOrder = reader.flag("actorder", true);
        if (!reader.has("order")) {
            return actOrder ? ColumnOrder.ACT : ColumnOrder.NATURAL;
        }
        ColumnOrder order = choice(reader, "order", ColumnOrder.values(), ColumnOrder::title);
        if (reader.has("actorder") && actOrder != (order == ColumnOrder.ACT)) {
            throw reader.error("actorder", "actorder contradicts order " + order.title());
        }
        return order;
    }

    private static double share(YamlReader reader, String key, double absent) {
        double share = reader.number(key, absent);
        if (!(share >= 0 && share <= 1)) {
            throw reader.error(key, key + " is " + share + "; expected 0 to 1");
        }
        return share;
    }

    /** A name, or a mapping of a name and what is to be changed about it. */
    private static ClipSearch search(YamlReader reader, String absent) {
        YamlReader keys = reader.isMapping("search") ? reader.mapping("search") : null;
        if (keys == null) {
            return ClipSearch.named(reader.string("search", absent), reader.place("search"));
        }
        ClipSearch search = ClipSearch.named(keys.string("name", "minmax"), keys.place("name"));
        Bounds bounds = keys.has("bounds")
                ? choice(keys, "bounds", new Bounds[] {Bounds.RANGE, Bounds.MAGNITUDE}, WeightKeys::title)
                : search.bounds();
        if (keys.has("quantile") && (keys.has("bounds") || keys.has("ratio"))) {
            throw keys.error("quantile", "quantile stands instead of bounds and ratio");
        }
        Bounds chosen = keys.has("quantile") ? Bounds.QUANTILE : bounds;
        double first = keys.number(keys.has("quantile") ? "quantile" : "ratio", search.first());
        Measure measure =
                keys.has("measure") ? choice(keys, "measure", Measure.values(), WeightKeys::title) : search.measure();
        int candidates = keys.integer("candidates", search.candidates());
        double step = keys.number("step", search.step());
        double norm = keys.number("norm", search.norm());
        boolean zeros = keys.flag("zeros", search.zeros());
        int refits = keys.integer("refits", search.refits());
        keys.finish();
        return placed(
                reader, "search", () -> new ClipSearch(chosen, first, candidates, step, measure, norm, zeros, refits));
    }

    private static <T> T choice(YamlReader reader, String key, T[] values, Function<T, String> title) {
        String found = reader.string(key, "");
        return Arrays.stream(values)
                .filter(value -> title.apply(value).equals(found))
                .findFirst()
                .orElseThrow(() ->
                        reader.error(key, "%s is \"%s\"; known are %s".formatted(key, found, titles(values, title))));
    }

    private static <T> String titles(T[] values, Function<T, String> title) {
        return Arrays.stream(values).map(title).collect(Collectors.joining(", "));
    }

    private static String title(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** What a record finds wrong, with the line and column of a key. */
    private static <T> T placed(YamlReader reader, String key, Supplier<T> made) {
        try {
            return made.get();
        } catch (InputException e) {
            throw e.at(reader.place(key));
        }
    }
}
