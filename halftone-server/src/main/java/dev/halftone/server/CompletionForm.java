package dev.halftone.server;

import dev.halftone.runtime.generate.ScoredToken;
import dev.halftone.runtime.generate.ScoredToken.Alternative;
import dev.halftone.runtime.generate.TextModel;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code text_completion}. With {@code echo} the arrays of {@code logprobs} have the prompt's tokens and then the answer's; the first
 * has no score. A token that is not among the most probable ones is beside them in {@code top_logprobs}, with the same number.
 */
final class CompletionForm implements Form {
    private static final JsonMapper JSON = JsonMapper.shared();

    private final TextModel model;

    CompletionForm(TextModel model) {
        this.model = model;
    }

    @Override
    public String prefix() {
        return "cmpl-";
    }

    @Override
    public String object(boolean stream) {
        return "text_completion";
    }

    @Override
    public ObjectNode whole(Choice choice) {
        List<ScoredToken> tokens = new ArrayList<>(choice.prompt());
        tokens.addAll(choice.tokens());
        int[] ids = tokens.stream().mapToInt(ScoredToken::id).toArray();
        int[] offsets = choice.request().alternatives() < 0 ? new int[0] : model.offsets(ids);
        return choice(choice, choice.promptText() + choice.text(), tokens, offsets, choice.finish());
    }

    @Override
    public @Nullable ObjectNode opening(Choice choice) {
        if (choice.promptText().isEmpty()) {
            return null;
        }
        int[] ids = choice.request().prompt();
        return choice(choice, choice.promptText(), choice.prompt(), model.offsets(ids), null);
    }

    @Override
    public ObjectNode piece(Choice choice, String text, List<ScoredToken> tokens) {
        // Tokens that waited for this piece begin where it does.
        String before =
                choice.promptText() + choice.text().substring(0, choice.text().length() - text.length());
        int offset = before.codePointCount(0, before.length());
        int[] offsets = tokens.stream().mapToInt(_ -> offset).toArray();
        return choice(choice, text, tokens, offsets, null);
    }

    @Override
    public ObjectNode closing(Choice choice) {
        return choice(choice, "", List.of(), new int[0], choice.finish());
    }

    private ObjectNode choice(
            Choice choice, String text, List<ScoredToken> tokens, int[] offsets, @Nullable String finish) {
        ObjectNode node = JSON.createObjectNode().put("text", text).put("index", choice.index());
        if (choice.request().alternatives() < 0 || tokens.isEmpty()) {
            node.putNull("logprobs");
        } else {
            node.set("logprobs", logprobs(tokens, offsets));
        }
        return node.put("finish_reason", finish);
    }

    private ObjectNode logprobs(List<ScoredToken> tokens, int[] offsets) {
        ObjectNode node = JSON.createObjectNode();
        ArrayNode names = node.putArray("tokens");
        ArrayNode scores = node.putArray("token_logprobs");
        ArrayNode tops = node.putArray("top_logprobs");
        ArrayNode begins = node.putArray("text_offset");
        for (int i = 0; i < tokens.size(); i++) {
            ScoredToken token = tokens.get(i);
            names.add(model.name(token.id()));
            begins.add(offsets[i]);
            if (Double.isNaN(token.logprob())) {
                scores.addNull();
                tops.addNull();
            } else {
                scores.add(token.logprob());
                tops.add(top(token));
            }
        }
        return node;
    }

    /** Two tokens may have one text: the less probable one goes by its number. */
    private ObjectNode top(ScoredToken token) {
        ObjectNode node = JSON.createObjectNode();
        boolean among = token.top().stream().anyMatch(other -> other.id() == token.id());
        Stream<Alternative> all = among
                ? token.top().stream()
                : Stream.concat(token.top().stream(), Stream.of(new Alternative(token.id(), token.logprob())));
        all.forEach(other -> {
            String name = model.name(other.id());
            node.put(node.has(name) ? "token:" + other.id() : name, other.logprob());
        });
        return node;
    }
}
