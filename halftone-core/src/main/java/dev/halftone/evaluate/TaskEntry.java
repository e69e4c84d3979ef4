package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * An item as its file has it.
 *
 * @param place file and line, for messages
 */
record TaskEntry(JsonNode node, String place) {
    boolean has(String key) {
        return node.hasNonNull(key);
    }

    String text(String key) {
        JsonNode value = node.path(key);
        if (!value.isString()) {
            throw wrong(key, value, "a string");
        }
        return value.asString();
    }

    List<String> texts(String key) {
        return texts(key, 2);
    }

    /** At least so many. */
    List<String> texts(String key, int least) {
        JsonNode value = node.path(key);
        List<String> texts = new ArrayList<>();
        for (int i = 0; value.isArray() && i < value.size(); i++) {
            if (!value.get(i).isString()) {
                throw wrong(key, value, "strings only");
            }
            texts.add(value.get(i).asString());
        }
        if (texts.size() < least) {
            throw wrong(key, value, "an array of at least %d strings".formatted(least));
        }
        return texts;
    }

    /** An integer, or a string that holds one: distributions of one data set differ in this. */
    int integer(String key) {
        JsonNode value = node.path(key);
        if (value.isIntegralNumber() && value.canConvertToInt()) {
            return value.intValue();
        }
        if (value.isString() && value.asString().strip().matches("-?[0-9]{1,9}")) {
            return Integer.parseInt(value.asString().strip());
        }
        throw wrong(key, value, "an integer");
    }

    /** true or false, or 1 or 0. */
    boolean truth(String key) {
        JsonNode value = node.path(key);
        if (value.isBoolean()) {
            return value.booleanValue();
        }
        int number = integer(key);
        if (number != 0 && number != 1) {
            throw wrong(key, value, "true or false");
        }
        return number == 1;
    }

    /** The keys of the object, in their order. */
    List<String> keys() {
        return List.copyOf(node.propertyNames());
    }

    TaskEntry object(String key) {
        JsonNode value = node.path(key);
        if (!value.isObject()) {
            throw wrong(key, value, "an object");
        }
        return new TaskEntry(value, place);
    }

    /** The objects in an array. */
    List<TaskEntry> objects(String key) {
        JsonNode value = node.path(key);
        List<TaskEntry> objects = new ArrayList<>();
        for (int i = 0; value.isArray() && i < value.size(); i++) {
            if (!value.get(i).isObject()) {
                throw wrong(key, value, "objects only");
            }
            objects.add(new TaskEntry(value.get(i), place));
        }
        return objects;
    }

    boolean isArray(String key) {
        return node.path(key).isArray();
    }

    boolean isObject(String key) {
        return node.path(key).isObject();
    }

    /** @return {@code gold} if it is the index of one of that many choices */
    int checkedGold(int gold, int choices) {
        if (gold < 0 || gold >= choices) {
            throw new InputException(
                    "HT-613",
                    place,
                    "the right answer is number %d counted from 0; there are %d choices".formatted(gold, choices),
                    "correct the line; test sets published without answers cannot be scored");
        }
        return gold;
    }

    private InputException wrong(String key, JsonNode value, String expected) {
        String found = value.isMissingNode() ? "is missing" : "is " + shortened(value.toString());
        return new InputException("HT-612", place, "\"" + key + "\" " + found + "; expected " + expected, "");
    }

    private static String shortened(String text) {
        return text.length() <= 60 ? text : text.substring(0, 57) + "...";
    }
}
