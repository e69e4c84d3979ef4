package dev.halftone.text;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The post-processor of a tokenizer.json that puts a token in front of every text, or behind it. */
final class TextTemplate {
    private TextTemplate() {}

    /** A special token. */
    record Token(String content, int id) {}

    /** The post-processor; at least one of the two is there. */
    static ObjectNode of(@Nullable Token before, @Nullable Token behind) {
        ObjectNode template = JsonNodeFactory.instance.objectNode().put("type", "TemplateProcessing");
        sequence(template.putArray("single"), "A", 0, before, behind);
        ArrayNode pair = template.putArray("pair");
        sequence(pair, "A", 0, before, behind);
        sequence(pair, "B", 1, before, behind);
        ObjectNode tokens = template.putObject("special_tokens");
        for (Token token : new Token[] {before, behind}) {
            if (token != null) {
                ObjectNode entry = tokens.putObject(token.content()).put("id", token.content());
                entry.putArray("ids").add(token.id());
                entry.putArray("tokens").add(token.content());
            }
        }
        return template;
    }

    private static void sequence(
            ArrayNode target, String name, int type, @Nullable Token before, @Nullable Token behind) {
        if (before != null) {
            item(target, "SpecialToken", before.content(), type);
        }
        item(target, "Sequence", name, type);
        if (behind != null) {
            item(target, "SpecialToken", behind.content(), type);
        }
    }

    private static void item(ArrayNode target, String kind, String id, int type) {
        target.addObject().putObject(kind).put("id", id).put("type_id", type);
    }
}
