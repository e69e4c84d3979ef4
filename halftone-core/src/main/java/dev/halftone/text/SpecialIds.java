package dev.halftone.text;

import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Finds the special tokens of a tokenizer.json without building the tree of its whole vocabulary. */
final class SpecialIds {
    private static final JsonMapper JSON = JsonMapper.shared();

    private SpecialIds() {}

    /** BOS, EOS, and what {@code added_tokens} calls special. */
    static Set<Integer> of(TokenizerFiles files) {
        Set<Integer> ids = new TreeSet<>();
        ids.add(files.bosId());
        ids.add(files.eosId());
        for (JsonNode token : addedTokens(files.json())) {
            if (token.path("special").asBoolean(false)) {
                ids.add(token.path("id").asInt(-1));
            }
        }
        ids.remove(-1);
        return ids;
    }

    private static JsonNode addedTokens(String json) {
        try (JsonParser parser = JSON.createParser(json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                boolean wanted = parser.currentName().equals("added_tokens");
                parser.nextToken();
                if (wanted) {
                    JsonNode tokens = parser.readValueAsTree();
                    return tokens;
                }
                parser.skipChildren();
            }
        }
        return JSON.createArrayNode();
    }
}
