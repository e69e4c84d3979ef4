package dev.halftone.runtime.template;

import dev.halftone.runtime.template.Expression.Arguments;
import dev.halftone.runtime.template.Expression.Compared;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The values of expressions. */
final class Evaluator {
    private Evaluator() {}

    static Object value(Expression expression, Scope scope) {
        return switch (expression) {
            case Expression.Literal(Object value) -> value;
            case Expression.Name(String name) -> scope.get(name);
            case Expression.Items(List<Expression> items) -> values(items, scope);
            case Expression.Entries entries -> mapping(entries, scope);
            case Expression.Attribute(Expression of, String name) -> attribute(value(of, scope), name);
            case Expression.Item(Expression of, Expression key) -> item(value(of, scope), value(key, scope));
            case Expression.Slice(Expression of, Expression start, Expression stop, Expression step) ->
                Arithmetic.slice(
                        value(of, scope), optional(start, scope), optional(stop, scope), optional(step, scope));
            case Expression.Call call -> call(call, scope);
            case Expression.Filter filter -> filtered(value(filter.of(), scope), filter, scope);
            case Expression.Test test -> test(test, scope);
            case Expression.Not(Expression of) -> !Values.truth(value(of, scope));
            case Expression.Negative(Expression of) -> Arithmetic.of("-", 0L, value(of, scope));
            case Expression.Arithmetic arithmetic -> computed(arithmetic, scope);
            case Expression.And(Expression left, Expression right) -> {
                Object first = value(left, scope);
                yield Values.truth(first) ? value(right, scope) : first;
            }
            case Expression.Or(Expression left, Expression right) -> {
                Object first = value(left, scope);
                yield Values.truth(first) ? first : value(right, scope);
            }
            case Expression.Comparison comparison -> compared(comparison, scope);
            case Expression.Choice(Expression test, Expression then, Expression otherwise) ->
                Values.truth(value(test, scope))
                        ? value(then, scope)
                        : otherwise == null
                                ? new Undefined("the value of an if without else")
                                : value(otherwise, scope);
        };
    }

    private static Object optional(@Nullable Expression expression, Scope scope) {
        return expression == null ? None.NONE : value(expression, scope);
    }

    private static List<Object> values(List<Expression> expressions, Scope scope) {
        List<Object> values = new ArrayList<>(expressions.size());
        expressions.forEach(item -> values.add(value(item, scope)));
        return values;
    }

    private static Map<Object, Object> mapping(Expression.Entries entries, Scope scope) {
        Map<Object, Object> map = new LinkedHashMap<>();
        entries.entries().forEach(entry -> map.put(value(entry.getKey(), scope), value(entry.getValue(), scope)));
        return map;
    }

    /** Methods come before keys, as in Python: {@code message.items} is the method. */
    private static Object attribute(Object of, String name) {
        if (of instanceof Undefined(String missing)) {
            throw new JinjaException("'%s' is not defined, and '.%s' looks into it".formatted(missing, name));
        }
        if (of instanceof Namespace(Map<String, Object> values)) {
            Object found = values.get(name);
            return found == null ? new Undefined(name) : found;
        }
        Function method = Methods.of(of, name);
        return method != null ? method : key(of, name);
    }

    private static Object key(Object of, Object key) {
        Object found = of instanceof Map<?, ?> map ? map.get(key) : null;
        return found == null ? new Undefined(Values.text(key)) : found;
    }

    private static Object item(Object of, Object key) {
        if (of instanceof Undefined(String missing)) {
            throw new JinjaException(
                    "'%s' is not defined, and '[%s]' looks into it".formatted(missing, Values.representation(key)));
        }
        if (key instanceof Long index && (of instanceof List<?> || of instanceof String)) {
            List<Object> items = Values.items(of);
            long at = index < 0 ? index + items.size() : index;
            return at >= 0 && at < items.size() ? items.get(Math.toIntExact(at)) : new Undefined("item " + index);
        }
        Object found = key(of, key);
        if (found instanceof Undefined && key instanceof String name) {
            return attribute(of, name);
        }
        return found;
    }

    private static Object call(Expression.Call call, Scope scope) {
        Object function = value(call.function(), scope);
        if (!(function instanceof Function callable)) {
            throw JinjaException.at(call.line(), name(call.function()) + " is no function here");
        }
        try {
            return callable.call(values(call.arguments().positional(), scope), named(call.arguments(), scope));
        } catch (JinjaException e) {
            throw located(e, call.line());
        }
    }

    private static String name(Expression expression) {
        return switch (expression) {
            case Expression.Name(String name) -> "'" + name + "'";
            case Expression.Attribute(Expression _, String name) -> "'" + name + "'";
            default -> "what is called";
        };
    }

    private static Map<String, Object> named(Arguments arguments, Scope scope) {
        Map<String, Object> named = new LinkedHashMap<>();
        arguments.named().forEach((name, value) -> named.put(name, value(value, scope)));
        return named;
    }

    static Object filtered(Object value, Expression.Filter filter, Scope scope) {
        try {
            return Filters.apply(
                    filter.name(),
                    value,
                    values(filter.arguments().positional(), scope),
                    named(filter.arguments(), scope));
        } catch (JinjaException e) {
            throw located(e, filter.line());
        }
    }

    private static Object test(Expression.Test test, Scope scope) {
        try {
            return Tests.holds(test.name(), value(test.of(), scope), values(test.arguments(), scope)) != test.negated();
        } catch (JinjaException e) {
            throw located(e, test.line());
        }
    }

    private static Object computed(Expression.Arithmetic arithmetic, Scope scope) {
        try {
            return Arithmetic.of(arithmetic.sign(), value(arithmetic.left(), scope), value(arithmetic.right(), scope));
        } catch (JinjaException e) {
            throw located(e, arithmetic.line());
        }
    }

    private static boolean compared(Expression.Comparison comparison, Scope scope) {
        Object left = value(comparison.first(), scope);
        for (Compared other : comparison.others()) {
            Object right = value(other.with(), scope);
            boolean holds = switch (other.sign()) {
                case "==" -> Values.equal(left, right);
                case "!=" -> !Values.equal(left, right);
                case "in" -> Values.contains(right, left);
                case "not in" -> !Values.contains(right, left);
                case "<" -> Values.compare(left, right) < 0;
                case "<=" -> Values.compare(left, right) <= 0;
                case ">" -> Values.compare(left, right) > 0;
                case ">=" -> Values.compare(left, right) >= 0;
                default -> throw new IllegalArgumentException(other.sign());
            };
            if (!holds) {
                return false;
            }
            left = right;
        }
        return true;
    }

    /** The innermost line is the one to look at. */
    static JinjaException located(JinjaException e, int line) {
        return e.raised() || e.message().startsWith("line ") ? e : JinjaException.at(line, e.message());
    }
}
