package dev.halftone.server;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request's JSON object, key by key. A key that nobody asked for is an error: what a client wanted by it would silently not
 * happen.
 */
final class Parameters {
    private static final JsonMapper JSON = JsonMapper.shared();

    private final ObjectNode body;
    private final Set<String> read = new HashSet<>();

    private Parameters(ObjectNode body) {
        this.body = body;
    }

    /** @throws ApiError HT-950 */
    static Parameters of(byte[] bytes) {
        try {
            if (JSON.readTree(bytes) instanceof ObjectNode object) {
                return new Parameters(object);
            }
            throw new ApiError(ApiError.BAD_REQUEST, "HT-950", null, "the body is no JSON object");
        } catch (JacksonException e) {
            String found = String.valueOf(e.getOriginalMessage()).replaceAll("\\s+", " ");
            throw new ApiError(ApiError.BAD_REQUEST, "HT-950", null, "the body is not JSON: " + found);
        }
    }

    static ApiError wrong(String key, String found) {
        return new ApiError(ApiError.BAD_REQUEST, "HT-951", key, found);
    }

    /** The value; missing where the key is not there or null. */
    JsonNode node(String key) {
        read.add(key);
        JsonNode node = body.path(key);
        return node.isNull() ? body.path("") : node;
    }

    boolean has(String key) {
        return !node(key).isMissingNode();
    }

    int integer(String key, int absent, int least, int most) {
        JsonNode node = node(key);
        if (node.isMissingNode()) {
            return absent;
        }
        if (!node.isIntegralNumber()) {
            throw wrong(key, "expected an integer");
        }
        if (!node.canConvertToInt() || node.intValue() < least || node.intValue() > most) {
            throw new ApiError(
                    ApiError.BAD_REQUEST,
                    "HT-952",
                    key,
                    "is %s; expected %d to %d".formatted(shortened(node.toString()), least, most));
        }
        return node.intValue();
    }

    long wide(String key, long absent) {
        JsonNode node = node(key);
        if (node.isMissingNode()) {
            return absent;
        }
        if (!node.isIntegralNumber() || !node.canConvertToLong()) {
            throw wrong(key, "expected an integer of 64 bits");
        }
        return node.longValue();
    }

    double number(String key, double absent) {
        JsonNode node = node(key);
        if (node.isMissingNode()) {
            return absent;
        }
        if (!node.isNumber()) {
            throw wrong(key, "expected a number");
        }
        return node.asDouble();
    }

    boolean flag(String key) {
        JsonNode node = node(key);
        if (!node.isMissingNode() && !node.isBoolean()) {
            throw wrong(key, "expected true or false");
        }
        return node.asBoolean(false);
    }

    String string(String key, String absent) {
        JsonNode node = node(key);
        if (node.isMissingNode()) {
            return absent;
        }
        if (!node.isString()) {
            throw wrong(key, "expected a string");
        }
        return node.stringValue();
    }

    /** A string, or a list of strings. */
    List<String> strings(String key) {
        JsonNode node = node(key);
        List<String> strings = new ArrayList<>();
        if (node.isString()) {
            strings.add(node.stringValue());
        } else if (!node.isMissingNode()) {
            if (!node.isArray()) {
                throw wrong(key, "expected a string or a list of strings");
            }
            for (JsonNode one : node) {
                if (!one.isString()) {
                    throw wrong(key, "expected strings in the list");
                }
                strings.add(one.stringValue());
            }
        }
        return strings;
    }

    /** Keys that change nothing in what is answered. */
    void ignore(String... keys) {
        read.addAll(List.of(keys));
    }

    /** A key that may only have the one value which means that nothing is wanted. */
    void unsupported(String key, String harmless) {
        JsonNode node = node(key);
        boolean empty = node.isMissingNode() || (node.isContainer() && node.isEmpty());
        if (!empty && !(node.isString() ? node.stringValue() : node.toString()).equals(harmless)) {
            throw new ApiError(ApiError.BAD_REQUEST, "HT-954", key, "is not supported; leave it out");
        }
    }

    /** The end: nothing is left. */
    void finish() {
        for (String key : body.propertyNames()) {
            if (!read.contains(key)) {
                throw new ApiError(
                        ApiError.BAD_REQUEST, "HT-953", shortened(key), "is no parameter that is known here");
            }
        }
    }

    static String shortened(String text) {
        return text.length() <= 60 ? text : text.substring(0, 60) + "...";
    }
}
