package dev.halftone.runtime.template;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Python's view of values: String, Long, Double, Boolean, {@link None}, {@link Undefined}, List, Map, {@link Namespace} and
 * {@link Function}.
 */
final class Values {
    private Values() {}

    /** A value of JSON or Java as templates see it. */
    static Object of(@Nullable Object value) {
        return switch (value) {
            case null -> None.NONE;
            case String text -> text;
            case Boolean truth -> truth;
            case Integer number -> number.longValue();
            case Long number -> number;
            case Number number -> number.doubleValue();
            case Map<?, ?> map -> {
                Map<Object, Object> copy = new LinkedHashMap<>();
                map.forEach((key, item) -> copy.put(of(key), of(item)));
                yield copy;
            }
            case Collection<?> list -> {
                List<Object> copy = new ArrayList<>();
                list.forEach(item -> copy.add(of(item)));
                yield copy;
            }
            case Function function -> function;
            case None none -> none;
            default -> throw new IllegalArgumentException("no value of JSON: " + value.getClass());
        };
    }

    static boolean truth(Object value) {
        return switch (value) {
            case Boolean truth -> truth;
            case None _ -> false;
            case Undefined _ -> false;
            case String text -> !text.isEmpty();
            case Long number -> number != 0;
            case Double number -> number != 0;
            case Collection<?> list -> !list.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            default -> true;
        };
    }

    /** Python's {@code str}. */
    static String text(Object value) {
        return switch (value) {
            case String text -> text;
            case Undefined _ -> "";
            default -> representation(value);
        };
    }

    /** Python's {@code repr}. */
    static String representation(Object value) {
        return switch (value) {
            case String text -> quoted(text);
            case Boolean truth -> truth ? "True" : "False";
            case None _ -> "None";
            case Undefined _ -> "Undefined";
            case Double number -> decimal(number);
            case List<?> list -> {
                List<String> parts = list.stream()
                        .map(item -> representation(Objects.requireNonNull(item)))
                        .toList();
                yield "[" + String.join(", ", parts) + "]";
            }
            case Map<?, ?> map -> {
                List<String> parts = new ArrayList<>();
                map.forEach((key, item) -> parts.add(representation(key) + ": " + representation(item)));
                yield "{" + String.join(", ", parts) + "}";
            }
            default -> String.valueOf(value);
        };
    }

    /** As Python prints a float: 1.0, 0.1, 1e-05, 1e+16. */
    static String decimal(double number) {
        if (Double.isNaN(number) || Double.isInfinite(number)) {
            return Double.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        }
        double size = Math.abs(number);
        java.math.BigDecimal exact = new java.math.BigDecimal(Double.toString(number));
        if (size == 0 || (size >= 1e-4 && size < 1e16)) {
            String plain = exact.stripTrailingZeros().toPlainString();
            return plain.contains(".") ? plain : (number < 0 && plain.equals("0") ? "-0" : plain) + ".0";
        }
        String digits = exact.stripTrailingZeros().unscaledValue().abs().toString();
        int exponent = (int) Math.floor(Math.log10(size));
        String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        return "%s%se%s%02d".formatted(number < 0 ? "-" : "", mantissa, exponent < 0 ? "-" : "+", Math.abs(exponent));
    }

    private static String quoted(String text) {
        char quote = text.contains("'") && !text.contains("\"") ? '"' : '\'';
        StringBuilder result = new StringBuilder().append(quote);
        text.chars().forEach(c -> {
            switch (c) {
                case '\n' -> result.append("\\n");
                case '\t' -> result.append("\\t");
                case '\r' -> result.append("\\r");
                case '\\' -> result.append("\\\\");
                default -> {
                    if (c == quote) {
                        result.append('\\');
                    }
                    result.append((char) c);
                }
            }
        });
        return result.append(quote).toString();
    }

    static boolean equal(Object left, Object right) {
        if (left instanceof Undefined || right instanceof Undefined) {
            return left instanceof Undefined && right instanceof Undefined;
        }
        if (isNumber(left) && isNumber(right)) {
            return compare(left, right) == 0;
        }
        return left.equals(right);
    }

    /** Numbers among themselves, or texts. */
    static int compare(Object left, Object right) {
        if (isNumber(left) && isNumber(right)) {
            return left instanceof Double || right instanceof Double
                    ? Double.compare(number(left), number(right))
                    : Long.compare(integer(left), integer(right));
        }
        if (left instanceof String first && right instanceof String second) {
            return first.compareTo(second);
        }
        throw new JinjaException("%s and %s have no order".formatted(kind(left), kind(right)));
    }

    static boolean contains(Object container, Object item) {
        return switch (container) {
            case String text when item instanceof String part -> text.contains(part);
            case List<?> list -> list.stream().anyMatch(other -> equal(Objects.requireNonNull(other), item));
            case Map<?, ?> map -> map.containsKey(item);
            case Undefined _ -> false;
            default -> throw new JinjaException("%s cannot be in %s".formatted(kind(item), kind(container)));
        };
    }

    /** The items that a loop sees. */
    static List<Object> items(Object value) {
        return switch (value) {
            case List<?> list -> {
                List<Object> items = new ArrayList<>(list.size());
                list.forEach(item -> items.add(Objects.requireNonNull(item)));
                yield items;
            }
            case Map<?, ?> map -> {
                List<Object> keys = new ArrayList<>(map.size());
                map.keySet().forEach(key -> keys.add(Objects.requireNonNull(key)));
                yield keys;
            }
            case String text -> {
                List<Object> characters = new ArrayList<>(text.length());
                text.codePoints().forEach(c -> characters.add(Character.toString(c)));
                yield characters;
            }
            case Undefined _ -> List.of();
            default -> throw new JinjaException(kind(value) + " has no items");
        };
    }

    static boolean isNumber(Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean;
    }

    static double number(Object value) {
        return switch (value) {
            case Double number -> number;
            default -> integer(value);
        };
    }

    static long integer(Object value) {
        return switch (value) {
            case Long number -> number;
            case Boolean truth -> truth ? 1 : 0;
            default -> throw new JinjaException("%s where an integer was expected".formatted(kind(value)));
        };
    }

    static String string(Object value) {
        if (value instanceof String text) {
            return text;
        }
        throw new JinjaException("%s where a string was expected".formatted(kind(value)));
    }

    /** For messages. */
    static String kind(Object value) {
        return switch (value) {
            case Undefined(String name) -> "'" + name + "', which is not defined,";
            case String _ -> "a string";
            case Long _ -> "an integer";
            case Double _ -> "a float";
            case Boolean _ -> "a boolean";
            case None _ -> "None";
            case List<?> _ -> "a list";
            case Map<?, ?> _ -> "a mapping";
            default -> "a value of another kind";
        };
    }
}
