package dev.halftone.text;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The token list of a GGUF file.
 *
 * @param tokens by id
 * @param types by id, one of the constants
 * @param ids token to id, in the order of the ids
 */
record GgufVocabulary(List<String> tokens, List<Integer> types, Map<String, Integer> ids) {
    static final int NORMAL = 1;
    static final int UNKNOWN = 2;
    static final int CONTROL = 3;
    static final int USER_DEFINED = 4;
    static final int BYTE = 6;

    /** U+2581, SentencePiece's visible space. */
    static final String SPACE = "\u2581";

    private static final String PREFIX = TokenizerMetadata.PREFIX;

    int size() {
        return tokens.size();
    }

    static GgufVocabulary read(TokenizerMetadata metadata) {
        List<String> tokens = metadata.strings(PREFIX + "tokens");
        if (tokens.isEmpty()) {
            throw new InputException(
                    "HT-255", metadata.place(), "tokenizer.ggml.tokens is empty", "convert the model again");
        }
        for (int id = 0; id < tokens.size(); id++) {
            if (tokens.get(id).isEmpty()) {
                tokens.set(id, "[EMPTY_%d]".formatted(id));
            }
        }
        List<Integer> types = new ArrayList<>();
        if (metadata.has(PREFIX + "token_type")) {
            metadata.numbers(PREFIX + "token_type").forEach(type -> types.add(type.intValue()));
            checkLength("token_type", types.size(), tokens.size(), metadata);
        } else {
            tokens.forEach(_ -> types.add(NORMAL));
        }
        return of(tokens, types, metadata);
    }

    private static GgufVocabulary of(List<String> tokens, List<Integer> types, TokenizerMetadata metadata) {
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (int id = 0; id < tokens.size(); id++) {
            Integer first = ids.putIfAbsent(tokens.get(id), id);
            if (first != null) {
                throw new InputException(
                        "HT-257",
                        metadata.place(),
                        "tokenizer.ggml.tokens has \"%s\" twice, as %d and %d".formatted(tokens.get(id), first, id),
                        "convert the model again");
            }
        }
        return new GgufVocabulary(List.copyOf(tokens), List.copyOf(types), ids);
    }

    static void checkLength(String key, int found, int expected, TokenizerMetadata metadata) {
        if (found != expected) {
            throw new InputException(
                    "HT-256",
                    metadata.place(),
                    "tokenizer.ggml.%s has %d entries for %d tokens".formatted(key, found, expected),
                    "convert the model again");
        }
    }

    /**
     * WordPiece as Hugging Face writes it: GGUF marks the beginning of a word with U+2581, Hugging Face its continuation with
     * "##".
     */
    GgufVocabulary withoutPhantomSpaces(TokenizerMetadata metadata) {
        List<String> pieces = new ArrayList<>();
        for (int id = 0; id < size(); id++) {
            String token = tokens.get(id);
            if (token.startsWith(SPACE)) {
                pieces.add(token.substring(SPACE.length()));
            } else {
                boolean whole = types.get(id) != NORMAL || (token.startsWith("[") && token.endsWith("]"));
                pieces.add(whole ? token : "##" + token);
            }
        }
        return of(pieces, types, metadata);
    }

    /** The pairs of {@code tokenizer.ggml.merges}, first to be merged first. */
    List<Merge> merges(TokenizerMetadata metadata) {
        List<String> lines = metadata.strings(PREFIX + "merges");
        List<Merge> merges = new ArrayList<>(lines.size());
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            int space = line.indexOf(' ', 1);
            String left = space < 0 ? "" : line.substring(0, space);
            String right = space < 0 ? "" : line.substring(space + 1);
            if (!ids.containsKey(left) || !ids.containsKey(right) || !ids.containsKey(left + right)) {
                throw new InputException(
                        "HT-258",
                        metadata.place(),
                        "tokenizer.ggml.merges[%d] is \"%s\"; expected two tokens whose union is a token"
                                .formatted(i, line),
                        "convert the model again");
            }
            merges.add(new Merge(left, right));
        }
        return merges;
    }

    /** Two tokens that become one. */
    record Merge(String left, String right) {}
}
