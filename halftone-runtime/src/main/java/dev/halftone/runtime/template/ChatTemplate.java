package dev.halftone.runtime.template;

import dev.halftone.error.InputException;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How a model wants a conversation written, by the {@code chat_template} of its tokenizer_config.json or GGUF file. Templates are
 * those of transformers ({@code apply_chat_template}): Jinja with {@code messages}, {@code tools}, {@code documents},
 * {@code add_generation_prompt} and the special tokens by their names.
 */
public final class ChatTemplate {
    private static final List<String> TOKENS =
            List.of("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token");

    private final String place;
    private final @Nullable JinjaTemplate plain;
    private final @Nullable JinjaTemplate withTools;
    private final String problem;
    private final String source;
    private final Map<String, Object> tokens = new HashMap<>();

    private ChatTemplate(JsonNode config, String place) {
        this.place = place;
        JinjaTemplate template = null;
        JinjaTemplate tools = null;
        String found = "";
        this.source = named(config.path("chat_template"), "default");
        String toolSource = named(config.path("chat_template"), "tool_use");
        try {
            template = source.isEmpty() ? null : JinjaTemplate.parse(source);
            tools = toolSource.isEmpty() ? template : JinjaTemplate.parse(toolSource);
        } catch (JinjaException e) {
            found = e.message();
        }
        this.plain = template;
        this.withTools = tools;
        this.problem = found;
        for (String name : TOKENS) {
            JsonNode token = config.path(name);
            String text = token.isString()
                    ? token.stringValue()
                    : token.path("content").asString("");
            if (!text.isEmpty()) {
                tokens.put(name, text);
            }
        }
    }

    /**
     * Reads the template. One that cannot be read is no error yet: the model may be used without it.
     *
     * @param tokenizerConfig the document of tokenizer_config.json
     * @param place the model, for errors
     */
    public static ChatTemplate of(String tokenizerConfig, String place) {
        return new ChatTemplate(JsonMapper.shared().readTree(tokenizerConfig), place);
    }

    /** A string, or a list of named ones. */
    private static String named(JsonNode template, String name) {
        if (template.isString()) {
            return name.equals("default") ? template.stringValue() : "";
        }
        for (JsonNode one : template) {
            if (one.path("name").asString("").equals(name)) {
                return one.path("template").asString("");
            }
        }
        return "";
    }

    /** True if the model has one. */
    public boolean present() {
        return !source.isEmpty();
    }

    /** The template as it is written; empty for none. */
    public String source() {
        return source;
    }

    /** The texts of the special tokens by their roles, such as "eos_token". */
    public Map<String, Object> tokens() {
        return Map.copyOf(tokens);
    }

    /**
     * The text of a conversation.
     *
     * @param messages each a mapping of JSON values, with "role" and "content"
     * @param tools null for none
     * @param addGenerationPrompt true to end where the model's answer begins
     * @param more further variables that the template knows, such as "enable_thinking"
     * @param now what the template takes for the time
     * @throws InputException HT-933 if the model has no template, HT-934 if it cannot be used, HT-935 if it refuses the messages
     */
    public String render(
            List<Map<String, Object>> messages,
            @Nullable List<Object> tools,
            boolean addGenerationPrompt,
            Map<String, Object> more,
            LocalDateTime now) {
        JinjaTemplate template = tools == null ? plain : withTools;
        if (!problem.isEmpty()) {
            throw unusable(problem);
        }
        if (template == null) {
            throw new InputException(
                    "HT-933",
                    place,
                    "the model has no chat template",
                    "use a chat model, or continue plain text: --prompt, or /v1/completions");
        }
        Map<String, Object> variables = new HashMap<>(tokens);
        variables.put("messages", messages);
        variables.put("tools", tools == null ? None.NONE : Values.of(tools));
        variables.put("documents", None.NONE);
        variables.put("add_generation_prompt", addGenerationPrompt);
        more.forEach((name, value) -> variables.put(name, Values.of(value)));
        try {
            return template.render(variables, now);
        } catch (JinjaException e) {
            throw e.raised()
                    ? new InputException(
                            "HT-935",
                            place,
                            "the chat template refuses the conversation: " + e.message(),
                            "write the messages as the model expects them")
                    : unusable(e.message());
        }
    }

    private InputException unusable(String found) {
        return new InputException(
                "HT-934",
                place,
                "the chat template cannot be used: " + found,
                "report it with the template, or write the prompt yourself");
    }
}
