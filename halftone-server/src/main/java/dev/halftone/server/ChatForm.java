package dev.halftone.server;

import dev.halftone.runtime.generate.ScoredToken;
import dev.halftone.runtime.generate.TextModel;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code chat.completion} and its chunks. */
final class ChatForm implements Form {
    private static final JsonMapper JSON = JsonMapper.shared();

    private final TextModel model;

    ChatForm(TextModel model) {
        this.model = model;
    }

    @Override
    public String prefix() {
        return "chatcmpl-";
    }

    @Override
    public String object(boolean stream) {
        return stream ? "chat.completion.chunk" : "chat.completion";
    }

    @Override
    public ObjectNode whole(Choice choice) {
        ObjectNode message = JSON.createObjectNode()
                .put("role", "assistant")
                .put("content", choice.text())
                .putNull("refusal");
        return choice(choice, "message", message, choice.tokens(), choice.finish());
    }

    @Override
    public ObjectNode opening(Choice choice) {
        ObjectNode delta = JSON.createObjectNode().put("role", "assistant").put("content", "");
        return choice(choice, "delta", delta, List.of(), null);
    }

    @Override
    public ObjectNode piece(Choice choice, String text, List<ScoredToken> tokens) {
        return choice(choice, "delta", JSON.createObjectNode().put("content", text), tokens, null);
    }

    @Override
    public ObjectNode closing(Choice choice) {
        return choice(choice, "delta", JSON.createObjectNode(), List.of(), choice.finish());
    }

    private ObjectNode choice(
            Choice choice, String key, ObjectNode message, List<ScoredToken> tokens, @Nullable String finish) {
        ObjectNode node = JSON.createObjectNode().put("index", choice.index());
        node.set(key, message);
        if (choice.request().alternatives() < 0 || tokens.isEmpty()) {
            node.putNull("logprobs");
        } else {
            ArrayNode content = node.putObject("logprobs").putNull("refusal").putArray("content");
            tokens.forEach(token -> content.add(scored(token)));
        }
        return node.put("finish_reason", finish);
    }

    private ObjectNode scored(ScoredToken token) {
        ObjectNode node = scored(token.id(), token.logprob());
        ArrayNode top = node.putArray("top_logprobs");
        token.top().forEach(other -> top.add(scored(other.id(), other.logprob())));
        return node;
    }

    private ObjectNode scored(int id, double logprob) {
        ObjectNode node = JSON.createObjectNode().put("token", model.name(id)).put("logprob", logprob);
        byte[] bytes = model.bytes(id);
        if (bytes.length == 0) {
            return node.putNull("bytes");
        }
        ArrayNode array = node.putArray("bytes");
        for (byte b : bytes) {
            array.add(b & 0xFF);
        }
        return node;
    }
}
