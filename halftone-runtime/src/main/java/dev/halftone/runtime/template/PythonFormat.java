package dev.halftone.runtime.template;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The {@code %} of Python's strings, as far as templates use it: %s, %d, %r, %f with a width and digits. */
final class PythonFormat {
    private static final Pattern FIELD = Pattern.compile("%(%|(-?0?\\d*)(?:\\.(\\d+))?([sdrf]))");

    private PythonFormat() {}

    static String percent(String format, List<Object> values) {
        Matcher field = FIELD.matcher(format);
        StringBuilder result = new StringBuilder();
        int used = 0;
        while (field.find()) {
            String text = "%";
            if (!field.group(1).equals("%")) {
                if (used == values.size()) {
                    throw new JinjaException("a format string has more fields than values");
                }
                text = field(field, values.get(used++));
            }
            field.appendReplacement(result, Matcher.quoteReplacement(text));
        }
        if (used < values.size()) {
            throw new JinjaException("a format string has fewer fields than values");
        }
        return field.appendTail(result).toString();
    }

    private static String field(Matcher field, Object value) {
        String width = field.group(2);
        if (width.length() > 4) {
            throw new JinjaException("a format string wants a width of " + width);
        }
        return switch (field.group(4)) {
            case "d" -> ("%" + width + "d").formatted(Math.round(Math.floor(Values.number(value))));
            case "f" ->
                String.format(
                        Locale.ROOT,
                        "%" + width + "." + (field.group(3) == null ? "6" : field.group(3)) + "f",
                        Values.number(value));
            case "r" -> padded(Values.representation(value), width);
            default -> padded(Values.text(value), width);
        };
    }

    private static String padded(String text, String width) {
        return width.isEmpty() ? text : ("%" + width + "s").formatted(text);
    }
}
