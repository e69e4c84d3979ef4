package dev.halftone.text;

import dev.halftone.error.InputException;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Typed reading of the {@code tokenizer.*} keys of a GGUF file, whatever Java types its reader gave them. */
record TokenizerMetadata(Map<String, Object> values, String place) {
    static final String PREFIX = "tokenizer.ggml.";

    boolean has(String key) {
        return values.containsKey(key);
    }

    @Nullable
    String string(String key) {
        Object value = values.get(key);
        if (value == null || value instanceof String) {
            return (String) value;
        }
        throw wrongType(key, value, "a string");
    }

    boolean flag(String key, boolean absent) {
        Object value = values.get(key);
        if (value == null) {
            return absent;
        }
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw wrongType(key, value, "a boolean");
    }

    /** A token id, or {@code absent}. The value must name one of the {@code size} tokens. */
    int id(String key, int absent, int size) {
        Object value = values.get(key);
        if (value == null) {
            return absent < size ? absent : -1;
        }
        if (!(value instanceof Number number)) {
            throw wrongType(key, value, "a token id");
        }
        long id = number.longValue();
        if (id == 0xFFFF_FFFFL || id == -1) {
            return -1; // what converters write for "none"
        }
        if (id < 0 || id >= size) {
            throw new InputException(
                    "HT-256",
                    place,
                    "%s is %d, but the vocabulary has %d tokens".formatted(key, id, size),
                    "convert the model again");
        }
        return (int) id;
    }

    List<String> strings(String key) {
        List<String> strings = new ArrayList<>();
        for (Object item : items(key)) {
            if (!(item instanceof String string)) {
                throw wrongType(key, item, "an array of strings");
            }
            strings.add(string);
        }
        return strings;
    }

    List<Number> numbers(String key) {
        List<Number> numbers = new ArrayList<>();
        for (Object item : items(key)) {
            if (!(item instanceof Number number)) {
                throw wrongType(key, item, "an array of numbers");
            }
            numbers.add(number);
        }
        return numbers;
    }

    private List<?> items(String key) {
        Object value = values.get(key);
        if (value == null) {
            throw new InputException(
                    "HT-255", place, "key %s is missing".formatted(key), "convert the model again with its tokenizer");
        }
        if (value instanceof List<?> list) {
            return list;
        }
        if (!value.getClass().isArray()) {
            throw wrongType(key, value, "an array");
        }
        List<Object> list = new ArrayList<>();
        for (int i = 0; i < Array.getLength(value); i++) {
            list.add(Array.get(value, i));
        }
        return list;
    }

    private InputException wrongType(String key, @Nullable Object found, String expected) {
        String type = found == null ? "null" : found.getClass().getSimpleName();
        return new InputException(
                "HT-255",
                place,
                "key %s holds %s; expected %s".formatted(key, type, expected),
                "convert the model again");
    }
}
