package dev.halftone.runtime.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Python's methods of strings, lists and mappings. None changes its value. */
final class Methods {
    private Methods() {}

    /** The method, or null if the value has none of this name. */
    static @Nullable Function of(Object value, String name) {
        return switch (value) {
            case String text -> string(text, name);
            case Map<?, ?> map -> mapping(map, name);
            case List<?> list -> list(list, name);
            default -> null;
        };
    }

    private static @Nullable Function string(String text, String name) {
        return switch (name) {
            case "strip" -> (p, _) -> strip(text, p, true, true);
            case "lstrip" -> (p, _) -> strip(text, p, true, false);
            case "rstrip" -> (p, _) -> strip(text, p, false, true);
            case "startswith" -> (p, _) -> affixes(p).stream().anyMatch(text::startsWith);
            case "endswith" -> (p, _) -> affixes(p).stream().anyMatch(text::endsWith);
            case "split" -> (p, n) -> split(text, separator(p), most(p, n), false);
            case "rsplit" -> (p, n) -> split(text, separator(p), most(p, n), true);
            case "splitlines" ->
                (_, _) -> text.isEmpty()
                        ? List.of()
                        : new ArrayList<Object>(text.lines().toList());
            case "upper" -> (_, _) -> text.toUpperCase(Locale.ROOT);
            case "lower" -> (_, _) -> text.toLowerCase(Locale.ROOT);
            case "capitalize" -> (_, _) -> capitalized(text);
            case "title" -> (_, _) -> titled(text);
            case "replace" -> (p, _) -> replaced(text, p);
            case "find" -> (p, _) -> (long) text.indexOf(argument(p, 0));
            case "rfind" -> (p, _) -> (long) text.lastIndexOf(argument(p, 0));
            case "count" -> (p, _) -> occurrences(text, argument(p, 0));
            case "join" -> (p, _) -> joined(text, Values.items(value(p, 0)));
            case "isdigit" -> (_, _) -> !text.isEmpty() && text.codePoints().allMatch(Character::isDigit);
            case "isalpha" -> (_, _) -> !text.isEmpty() && text.codePoints().allMatch(Character::isLetter);
            case "isspace" -> (_, _) -> !text.isEmpty() && text.codePoints().allMatch(Character::isWhitespace);
            case "isupper" ->
                (_, _) -> text.equals(text.toUpperCase(Locale.ROOT)) && !text.equals(text.toLowerCase(Locale.ROOT));
            case "islower" ->
                (_, _) -> text.equals(text.toLowerCase(Locale.ROOT)) && !text.equals(text.toUpperCase(Locale.ROOT));
            case "removeprefix" ->
                (p, _) -> text.startsWith(argument(p, 0))
                        ? text.substring(argument(p, 0).length())
                        : text;
            case "removesuffix" ->
                (p, _) -> text.endsWith(argument(p, 0))
                        ? text.substring(0, text.length() - argument(p, 0).length())
                        : text;
            default -> null;
        };
    }

    private static @Nullable Function mapping(Map<?, ?> map, String name) {
        return switch (name) {
            case "get" ->
                (p, _) -> {
                    Object found = map.get(value(p, 0));
                    return found != null ? found : p.size() > 1 ? p.get(1) : None.NONE;
                };
            case "items" -> (_, _) -> entries(map);
            case "keys" -> (_, _) -> Values.items(map);
            case "values" ->
                (_, _) -> entries(map).stream()
                        .map(entry -> Values.items(entry).get(1))
                        .toList();
            case "copy" -> (_, _) -> new LinkedHashMap<>(map);
            default -> null;
        };
    }

    /** Pairs of key and value. */
    static List<Object> entries(Map<?, ?> map) {
        List<Object> entries = new ArrayList<>();
        map.forEach((key, value) -> entries.add(List.of(key, value)));
        return entries;
    }

    private static @Nullable Function list(List<?> list, String name) {
        return switch (name) {
            case "index" ->
                (p, _) -> {
                    List<Object> items = Values.items(list);
                    for (int i = 0; i < items.size(); i++) {
                        if (Values.equal(items.get(i), value(p, 0))) {
                            return (long) i;
                        }
                    }
                    throw new JinjaException("index() finds no such item");
                };
            case "count" ->
                (p, _) -> Values.items(list).stream()
                        .filter(item -> Values.equal(item, value(p, 0)))
                        .count();
            default -> null;
        };
    }

    private static Object value(List<Object> positional, int at) {
        if (at >= positional.size()) {
            throw new JinjaException("a method lacks an argument");
        }
        return positional.get(at);
    }

    private static String argument(List<Object> positional, int at) {
        return Values.string(value(positional, at));
    }

    private static List<String> affixes(List<Object> positional) {
        Object first = value(positional, 0);
        return first instanceof List<?>
                ? Values.items(first).stream().map(Values::string).toList()
                : List.of(Values.string(first));
    }

    static String strip(String text, List<Object> positional, boolean left, boolean right) {
        boolean white = positional.isEmpty() || positional.getFirst() == None.NONE;
        String characters = white ? "" : argument(positional, 0);
        int from = 0;
        int to = text.length();
        while (left && from < to && strippable(text.charAt(from), white, characters)) {
            from++;
        }
        while (right && to > from && strippable(text.charAt(to - 1), white, characters)) {
            to--;
        }
        return text.substring(from, to);
    }

    private static boolean strippable(char c, boolean white, String characters) {
        return white
                ? Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085'
                : characters.indexOf(c) >= 0;
    }

    private static Object separator(List<Object> positional) {
        return positional.isEmpty() ? None.NONE : positional.getFirst();
    }

    private static long most(List<Object> positional, Map<String, Object> named) {
        Object most = positional.size() > 1 ? positional.get(1) : named.getOrDefault("maxsplit", -1L);
        return Values.integer(most);
    }

    private static List<Object> split(String text, Object separator, long most, boolean fromRight) {
        List<Object> parts = new ArrayList<>();
        if (separator == None.NONE) {
            // Runs of white space, none at the ends.
            for (String word : text.strip().split("\\s+", most < 0 || fromRight ? 0 : Math.toIntExact(most) + 1)) {
                if (!word.isEmpty()) {
                    parts.add(word);
                }
            }
            return parts;
        }
        String between = Values.string(separator);
        if (between.isEmpty()) {
            throw new JinjaException("split() has an empty separator");
        }
        String rest = text;
        while (most < 0 || parts.size() < most) {
            int at = fromRight ? rest.lastIndexOf(between) : rest.indexOf(between);
            if (at < 0) {
                break;
            }
            String before = rest.substring(0, at);
            String behind = rest.substring(at + between.length());
            parts.add(fromRight ? behind : before);
            rest = fromRight ? before : behind;
        }
        parts.add(rest);
        return fromRight ? parts.reversed() : parts;
    }

    static String capitalized(String text) {
        return text.isEmpty()
                ? text
                : text.substring(0, 1).toUpperCase(Locale.ROOT)
                        + text.substring(1).toLowerCase(Locale.ROOT);
    }

    static String titled(String text) {
        StringBuilder result = new StringBuilder();
        boolean inside = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            result.append(inside ? Character.toLowerCase(c) : Character.toUpperCase(c));
            inside = Character.isLetter(c);
        }
        return result.toString();
    }

    static String replaced(String text, List<Object> positional) {
        String old = argument(positional, 0);
        String with = argument(positional, 1);
        if (positional.size() < 3) {
            return text.replace(old, with);
        }
        String result = text;
        int from = 0;
        for (long left = Values.integer(positional.get(2)); left > 0; left--) {
            int at = result.indexOf(old, from);
            if (at < 0) {
                break;
            }
            result = result.substring(0, at) + with + result.substring(at + old.length());
            from = at + with.length();
        }
        return result;
    }

    private static long occurrences(String text, String part) {
        return part.isEmpty()
                ? text.length() + 1L
                : split(text, part, -1, false).size() - 1L;
    }

    static String joined(String between, List<Object> items) {
        return String.join(between, items.stream().map(Values::text).toList());
    }
}
