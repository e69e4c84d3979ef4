package dev.halftone.server;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The messages of a chat request as chat templates expect them: texts as strings, arguments of calls as objects. */
final class Conversation {
    private static final JsonMapper JSON = JsonMapper.shared();

    private Conversation() {}

    /** @throws ApiError HT-951 for what is no list of messages, HT-954 for contents that are no text */
    static List<Map<String, Object>> read(JsonNode messages) {
        if (!messages.isArray() || messages.isEmpty()) {
            throw Parameters.wrong("messages", "expected a list of at least one message");
        }
        List<Map<String, Object>> all = new ArrayList<>();
        for (JsonNode message : messages) {
            String place = "messages[%d]".formatted(all.size());
            if (!message.isObject() || !message.path("role").isString()) {
                throw Parameters.wrong(place, "expected an object with \"role\" and \"content\"");
            }
            Map<String, Object> plain = new LinkedHashMap<>();
            message.properties().forEach(entry -> {
                Object value = value(entry.getValue());
                if (value != null) {
                    plain.put(entry.getKey(), value);
                }
            });
            // Templates know the older name.
            plain.computeIfPresent("role", (_, role) -> role.equals("developer") ? "system" : role);
            boolean calls = message.path("tool_calls").isArray();
            plain.put("content", content(message.path("content"), calls, place));
            if (calls) {
                plain.put("tool_calls", calls(message.path("tool_calls")));
            }
            all.add(plain);
        }
        return all;
    }

    private static String content(JsonNode content, boolean calls, String place) {
        if (content.isString()) {
            return content.stringValue();
        }
        if (calls && (content.isNull() || content.isMissingNode())) {
            return "";
        }
        if (!content.isArray()) {
            throw Parameters.wrong(place + ".content", "expected a string, or a list of parts");
        }
        StringBuilder text = new StringBuilder();
        for (JsonNode part : content) {
            if (!part.path("type").asString("").equals("text")
                    || !part.path("text").isString()) {
                throw new ApiError(
                        ApiError.BAD_REQUEST,
                        "HT-954",
                        place + ".content",
                        "has a part that is no text; only texts are read");
            }
            text.append(part.path("text").stringValue());
        }
        return text.toString();
    }

    /** OpenAI sends arguments as a string of JSON; templates write them themselves. */
    private static List<Object> calls(JsonNode calls) {
        List<Object> all = new ArrayList<>();
        for (JsonNode call : calls) {
            JsonNode copy = call.deepCopy();
            if (copy.path("function") instanceof tools.jackson.databind.node.ObjectNode function
                    && function.path("arguments").isString()) {
                try {
                    function.set(
                            "arguments",
                            JSON.readTree(function.path("arguments").stringValue()));
                } catch (JacksonException e) {
                    throw Parameters.wrong(
                            "messages.tool_calls", "\"arguments\" are no JSON: " + e.getOriginalMessage());
                }
            }
            all.add(Objects.requireNonNullElse(value(copy), ""));
        }
        return all;
    }

    /** A list or null where there is none. */
    static @Nullable List<Object> tools(JsonNode tools) {
        if (tools.isMissingNode() || (tools.isArray() && tools.isEmpty())) {
            return null;
        }
        if (!tools.isArray()) {
            throw Parameters.wrong("tools", "expected a list");
        }
        List<Object> all = new ArrayList<>();
        for (JsonNode tool : tools) {
            all.add(Objects.requireNonNullElse(value(tool), ""));
        }
        return all;
    }

    /** Further variables for the template. */
    static Map<String, Object> variables(JsonNode node) {
        Map<String, Object> variables = new LinkedHashMap<>();
        if (!node.isMissingNode() && !node.isObject()) {
            throw Parameters.wrong("chat_template_kwargs", "expected an object");
        }
        node.properties().forEach(entry -> {
            Object value = value(entry.getValue());
            if (value != null) {
                variables.put(entry.getKey(), value);
            }
        });
        return variables;
    }

    private static @Nullable Object value(JsonNode node) {
        return JSON.treeToValue(node, Object.class);
    }
}
