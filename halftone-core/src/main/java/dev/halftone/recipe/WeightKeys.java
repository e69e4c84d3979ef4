package dev.halftone.recipe;

import dev.halftone.error.InputException;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.ClipSearch.Bounds;
import dev.halftone.format.ClipSearch.Measure;
import dev.halftone.format.NumberFormat;
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
import java.util.stream.Collectors;

/** The keys of a recipe's {@code weights}. */
final class WeightKeys {
    private WeightKeys() {}

    static WeightStep read(YamlReader reader) {
        String method = reader.string("method", "");
        NumberFormat format = SolverKeys.format(reader, method, FormatKeys.weights(reader));
        WeightSolver solver = switch (method) {
            case "rtn" -> new Rtn(search(reader, "minmax"));
            case "gptq" -> gptq(reader, format);
            case "amvm" -> AmvmKeys.read(reader, format);
            default ->
                SolverKeys.read(reader, method, format)
                        .orElseThrow(() -> reader.error(
                                "method",
                                "method is \"" + method + "\"; known are rtn, gptq, amvm, "
                                        + String.join(", ", SolverKeys.METHODS)));
        };
        return new WeightStep(
                reader.place(),
                SolverKeys.wrapped(reader, solver, format),
                format,
                reader.strings("targets", List.of("*")));
    }

    static Gptq gptq(YamlReader reader, NumberFormat format) {
        ColumnOrder order = order(reader);
        // Grids of whole rows and of several rows are fitted before the first column in any case.
        boolean fixed = format.group() == NumberFormat.ROW || format.rows() != 1;
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

    static double share(YamlReader reader, String key, double absent) {
        double share = reader.number(key, absent);
        if (!(share >= 0 && share <= 1)) {
            throw reader.error(key, key + " is " + share + "; expected 0 to 1");
        }
        return share;
    }

    /** A name, or a mapping of a name and what is to be changed about it. */
    static ClipSearch search(YamlReader reader, String absent) {
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

    static <T> T choice(YamlReader reader, String key, T[] values, Function<T, String> title) {
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

    static String title(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** What a record finds wrong, with the line and column of a key. */
    static <T> T placed(YamlReader reader, String key, Supplier<T> made) {
        try {
            return made.get();
        } catch (InputException e) {
            throw e.at(reader.place(key));
        }
    }
}
