package dev.halftone.runtime.template;

import java.util.List;
import java.util.Map;

/**
 * Python's {@code json.dumps(value, ensure_ascii=False)}, which transformers gives templates as {@code tojson}: models saw tools
 * written exactly so.
 *
 * @param indent spaces a level, or -1 for one line
 */
record PythonJson(int indent, String itemSeparator, String keySeparator, boolean sorted) {
    static PythonJson of(int indent, boolean sorted) {
        return new PythonJson(indent, indent < 0 ? ", " : ",", ": ", sorted);
    }

    String write(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, 0, out);
        return out.toString();
    }

    private void write(Object value, int depth, StringBuilder out) {
        switch (value) {
            case String text -> string(text, out);
            case Boolean truth -> out.append(truth ? "true" : "false");
            case None _ -> out.append("null");
            case Long number -> out.append(number);
            case Double number -> out.append(Values.decimal(number));
            case List<?> list -> {
                out.append('[');
                boolean first = true;
                for (Object item : Values.items(list)) {
                    separate(first, depth, out);
                    write(item, depth + 1, out);
                    first = false;
                }
                close(first, depth, ']', out);
            }
            case Map<?, ?> map -> entries(map, depth, out);
            default -> throw new JinjaException(Values.kind(value) + " cannot be written as JSON");
        }
    }

    private void entries(Map<?, ?> map, int depth, StringBuilder out) {
        out.append('{');
        boolean first = true;
        List<Object> keys = Values.items(map);
        for (Object key : sorted ? keys.stream().sorted(Values::compare).toList() : keys) {
            Object value = map.get(key);
            separate(first, depth, out);
            string(key instanceof String text ? text : Values.text(key), out);
            out.append(keySeparator);
            write(value == null ? None.NONE : value, depth + 1, out);
            first = false;
        }
        close(first, depth, '}', out);
    }

    private void separate(boolean first, int depth, StringBuilder out) {
        if (!first) {
            out.append(itemSeparator);
        }
        if (indent >= 0) {
            out.append('\n').repeat(' ', indent * (depth + 1));
        }
    }

    private void close(boolean empty, int depth, char sign, StringBuilder out) {
        if (indent >= 0 && !empty) {
            out.append('\n').repeat(' ', indent * depth);
        }
        out.append(sign);
    }

    private static void string(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < ' ') {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
