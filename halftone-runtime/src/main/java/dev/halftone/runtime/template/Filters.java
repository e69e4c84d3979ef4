package dev.halftone.runtime.template;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/** What may follow the sign {@code |}. */
final class Filters {
    private Filters() {}

    static Object apply(String name, Object value, List<Object> positional, Map<String, Object> named) {
        Given given = new Given(positional, named);
        return switch (name) {
            case "length", "count" -> (long) Values.items(value).size();
            case "trim" -> Methods.strip(Values.text(value), positional, true, true);
            case "upper" -> Values.text(value).toUpperCase(Locale.ROOT);
            case "lower" -> Values.text(value).toLowerCase(Locale.ROOT);
            case "capitalize" -> Methods.capitalized(Values.text(value));
            case "title" -> Methods.titled(Values.text(value));
            case "replace" -> Methods.replaced(Values.text(value), positional);
            case "string" -> Values.text(value);
            case "safe" -> value;
            case "int" -> integer(value, given.get(0, "default", 0L));
            case "float" -> decimal(value, given.get(0, "default", 0.0));
            case "abs" ->
                value instanceof Long number ? (Object) Math.abs(number) : (Object) Math.abs(Values.number(value));
            case "round" -> rounded(Values.number(value), Values.integer(given.get(0, "precision", 0L)));
            case "default", "d" -> {
                boolean absent = value instanceof Undefined
                        || (Values.truth(given.get(1, "boolean", false)) && !Values.truth(value));
                yield absent ? given.get(0, "default_value", "") : value;
            }
            case "tojson" -> json(value, given);
            case "indent" -> indented(Values.text(value), given);
            default -> list(name, value, given);
        };
    }

    private static Object list(String name, Object value, Given given) {
        return switch (name) {
            case "list" -> Values.items(value);
            case "first" ->
                Values.items(value).isEmpty()
                        ? new Undefined("first item")
                        : Values.items(value).getFirst();
            case "last" ->
                Values.items(value).isEmpty()
                        ? new Undefined("last item")
                        : Values.items(value).getLast();
            case "join" -> joined(value, given);
            case "reverse" ->
                value instanceof String text
                        ? new StringBuilder(text).reverse().toString()
                        : Values.items(value).reversed();
            case "sort" -> sorted(value, given);
            case "unique" -> Values.items(value).stream().distinct().toList();
            case "items" -> value instanceof Map<?, ?> map ? Methods.entries(map) : List.of();
            case "dictsort" ->
                value instanceof Map<?, ?> map
                        ? Methods.entries(map).stream()
                                .sorted(by(entry -> Values.items(entry).getFirst()))
                                .toList()
                        : List.of();
            case "map" -> mapped(value, given);
            case "select" ->
                Values.items(value).stream()
                        .filter(item -> passes(item, given, 0))
                        .toList();
            case "reject" ->
                Values.items(value).stream()
                        .filter(item -> !passes(item, given, 0))
                        .toList();
            case "selectattr" ->
                Values.items(value).stream().filter(attribute(given)).toList();
            case "rejectattr" ->
                Values.items(value).stream().filter(attribute(given).negate()).toList();
            case "sum" -> Values.items(value).stream().reduce(0L, (a, b) -> Arithmetic.of("+", a, b));
            case "min" -> Values.items(value).stream().min(Values::compare).orElse(new Undefined("minimum"));
            case "max" -> Values.items(value).stream().max(Values::compare).orElse(new Undefined("maximum"));
            default -> throw new JinjaException("the filter '%s' is not known here".formatted(name));
        };
    }

    /** A filter's arguments by place or by name. */
    private record Given(List<Object> positional, Map<String, Object> named) {
        Object get(int at, String name, Object absent) {
            return at < positional.size()
                    ? positional.get(at)
                    : Objects.requireNonNull(named.getOrDefault(name, absent));
        }
    }

    private static Comparator<Object> by(java.util.function.Function<Object, Object> key) {
        return (a, b) -> Values.compare(key.apply(a), key.apply(b));
    }

    private static Object integer(Object value, Object absent) {
        if (value instanceof Double number) {
            return (long) (double) number;
        }
        if (value instanceof String text) {
            try {
                return (long) Double.parseDouble(text.strip());
            } catch (NumberFormatException _) {
                return absent;
            }
        }
        return Values.isNumber(value) ? (Object) Values.integer(value) : absent;
    }

    private static Object decimal(Object value, Object absent) {
        if (value instanceof String text) {
            try {
                return Double.parseDouble(text.strip());
            } catch (NumberFormatException _) {
                return absent;
            }
        }
        return Values.isNumber(value) ? (Object) Values.number(value) : absent;
    }

    private static Object rounded(double value, long digits) {
        return java.math.BigDecimal.valueOf(value)
                .setScale(Math.toIntExact(Math.clamp(digits, -300, 300)), java.math.RoundingMode.HALF_EVEN)
                .doubleValue();
    }

    private static Object json(Object value, Given given) {
        Object indent = given.get(0, "indent", None.NONE);
        int spaces = indent == None.NONE ? -1 : Math.toIntExact(Math.clamp(Values.integer(indent), 0, 16));
        PythonJson plain = PythonJson.of(spaces, Values.truth(given.get(9, "sort_keys", false)));
        Object separators = given.get(9, "separators", None.NONE);
        if (separators == None.NONE) {
            return plain.write(value);
        }
        List<Object> both = Values.items(separators);
        return new PythonJson(spaces, Values.string(both.getFirst()), Values.string(both.getLast()), plain.sorted())
                .write(value);
    }

    private static Object indented(String text, Given given) {
        Object width = given.get(0, "width", 4L);
        String margin = width instanceof String spaces ? spaces : Arithmetic.repeated(" ", Values.integer(width));
        boolean first = Values.truth(given.get(1, "first", false));
        boolean blank = Values.truth(given.get(2, "blank", false));
        String[] lines = text.split("\n", -1);
        for (int i = first ? 0 : 1; i < lines.length; i++) {
            lines[i] = lines[i].isEmpty() && !blank ? lines[i] : margin + lines[i];
        }
        return String.join("\n", lines);
    }

    private static Object joined(Object value, Given given) {
        Object attribute = given.get(1, "attribute", None.NONE);
        List<Object> items = attribute == None.NONE
                ? Values.items(value)
                : Values.items(value).stream()
                        .map(item -> path(item, attribute))
                        .toList();
        return Methods.joined(Values.text(given.get(0, "d", "")), items);
    }

    private static Object sorted(Object value, Given given) {
        Object attribute = given.get(2, "attribute", None.NONE);
        boolean sensitive = Values.truth(given.get(1, "case_sensitive", false));
        Comparator<Object> order = by(item -> {
            Object key = attribute == None.NONE ? item : path(item, attribute);
            return key instanceof String text && !sensitive ? text.toLowerCase(Locale.ROOT) : key;
        });
        return Values.items(value).stream()
                .sorted(Values.truth(given.get(0, "reverse", false)) ? order.reversed() : order)
                .toList();
    }

    private static Object mapped(Object value, Given given) {
        Object attribute = given.named().get("attribute");
        if (attribute != null) {
            Object absent = given.named().get("default");
            return Values.items(value).stream()
                    .map(item -> {
                        Object found = path(item, attribute);
                        return found instanceof Undefined && absent != null ? absent : found;
                    })
                    .toList();
        }
        String filter = Values.string(given.get(0, "filter", None.NONE));
        List<Object> rest = given.positional().subList(1, given.positional().size());
        return Values.items(value).stream()
                .map(item -> apply(filter, item, rest, given.named()))
                .toList();
    }

    /** The test whose name is the argument at this place; none: truth. */
    private static boolean passes(Object item, Given given, int at) {
        List<Object> all = given.positional();
        return all.size() <= at
                ? Values.truth(item)
                : Tests.holds(testName(Values.string(all.get(at))), item, all.subList(at + 1, all.size()));
    }

    private static String testName(String name) {
        return switch (name) {
            case "==" -> "eq";
            case "!=" -> "ne";
            case "<" -> "lt";
            case "<=" -> "le";
            case ">" -> "gt";
            case ">=" -> "ge";
            default -> name;
        };
    }

    private static Predicate<Object> attribute(Given given) {
        Object name = given.get(0, "attribute", None.NONE);
        return item -> passes(path(item, name), given, 1);
    }

    /** {@code a.b} of an item. */
    private static Object path(Object item, Object attribute) {
        Object value = item;
        for (String name : Values.text(attribute).split("\\.", -1)) {
            Object found = value instanceof Map<?, ?> map ? map.get(name) : null;
            value = found == null ? new Undefined(name) : found;
        }
        return value;
    }

    /** For {@code dict(a=1)} and {@code namespace(a=1)}. */
    static Map<String, Object> named(List<Object> positional, Map<String, Object> named) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (Object given : positional) {
            for (Object entry : given instanceof Map<?, ?> map ? Methods.entries(map) : Values.items(given)) {
                List<Object> pair = new ArrayList<>(Values.items(entry));
                values.put(Values.text(pair.getFirst()), pair.getLast());
            }
        }
        values.putAll(named);
        return values;
    }
}
