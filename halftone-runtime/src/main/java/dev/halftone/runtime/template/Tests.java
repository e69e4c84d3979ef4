package dev.halftone.runtime.template;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What may follow {@code is}. */
final class Tests {
    private Tests() {}

    static boolean holds(String name, Object value, List<Object> arguments) {
        return switch (name) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == None.NONE;
            case "string" -> value instanceof String;
            case "number" -> Values.isNumber(value);
            case "integer" -> value instanceof Long;
            case "float" -> value instanceof Double;
            case "boolean" -> value instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            case "mapping" -> value instanceof Map<?, ?>;
            case "iterable", "sequence" ->
                value instanceof List<?>
                        || value instanceof Map<?, ?>
                        || value instanceof String
                        || value instanceof Undefined;
            case "callable" -> value instanceof Function;
            case "odd" -> Math.floorMod(Values.integer(value), 2L) == 1;
            case "even" -> Math.floorMod(Values.integer(value), 2L) == 0;
            case "divisibleby" -> Math.floorMod(Values.integer(value), Values.integer(first(arguments))) == 0;
            case "equalto", "eq" -> Values.equal(value, first(arguments));
            case "ne" -> !Values.equal(value, first(arguments));
            case "gt", "greaterthan" -> Values.compare(value, first(arguments)) > 0;
            case "ge" -> Values.compare(value, first(arguments)) >= 0;
            case "lt", "lessthan" -> Values.compare(value, first(arguments)) < 0;
            case "le" -> Values.compare(value, first(arguments)) <= 0;
            case "in" -> Values.contains(first(arguments), value);
            case "sameas" -> value.equals(first(arguments));
            case "lower" -> Values.text(value).equals(Values.text(value).toLowerCase(Locale.ROOT));
            case "upper" -> Values.text(value).equals(Values.text(value).toUpperCase(Locale.ROOT));
            default -> throw new JinjaException("the test '%s' is not known here".formatted(name));
        };
    }

    private static Object first(List<Object> arguments) {
        if (arguments.isEmpty()) {
            throw new JinjaException("a test lacks its argument");
        }
        return arguments.getFirst();
    }
}
