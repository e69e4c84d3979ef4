package dev.halftone.text;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tokens of a GGUF vocabulary that have a role; -1 where there is none.
 *
 * @param addsBos true if {@code bos} goes in front of a text
 * @param behind the token that is put behind a text
 */
record SpecialTokens(int bos, int eos, int unknown, boolean addsBos, int behind, GgufVocabulary vocabulary) {
    private static final String PREFIX = TokenizerMetadata.PREFIX;

    /** The arguments say what holds for the kind of tokenizer where the file does not say it. */
    static SpecialTokens read(
            TokenizerMetadata metadata, GgufVocabulary vocabulary, int bos, int eos, int unknown, boolean addsBos) {
        int size = vocabulary.size();
        int begin = metadata.id(PREFIX + "bos_token_id", bos, size);
        int end = metadata.id(PREFIX + "eos_token_id", eos, size);
        int unk = metadata.id(PREFIX + "unknown_token_id", unknown, size);
        boolean adds = begin >= 0 && metadata.flag(PREFIX + "add_bos_token", addsBos);
        int behind = metadata.flag(PREFIX + "add_eos_token", false) ? end : -1;
        return new SpecialTokens(begin, end, unk, adds, behind, vocabulary);
    }

    SpecialTokens withBehind(int id) {
        return new SpecialTokens(bos, eos, unknown, addsBos, id, vocabulary);
    }

    /** Text of the token for unknown characters, null if there is none. */
    @Nullable
    String unknownToken() {
        return unknown < 0 ? null : vocabulary.tokens().get(unknown);
    }

    /** The post-processor that makes other readers of tokenizer.json add the same tokens; null if nothing is added. */
    @Nullable
    ObjectNode template() {
        if (!addsBos && behind < 0) {
            return null;
        }
        return TextTemplate.of(token(addsBos ? bos : -1), token(behind));
    }

    private TextTemplate.@Nullable Token token(int id) {
        return id < 0 ? null : new TextTemplate.Token(vocabulary.tokens().get(id), id);
    }

    /** The finished files. {@code kind} is the first half of a description. */
    TokenizerFiles files(TokenizerDocument document, TokenizerMetadata metadata, String kind) {
        return new TokenizerFiles(document.toJson(), config(metadata), vocabulary.size(), bos, eos, addsBos, kind);
    }

    private ObjectNode config(TokenizerMetadata metadata) {
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        config.put("tokenizer_class", "PreTrainedTokenizerFast");
        name(config, "bos_token", bos);
        name(config, "eos_token", eos);
        name(config, "unk_token", unknown);
        int size = vocabulary.size();
        name(config, "pad_token", metadata.id(PREFIX + "padding_token_id", -1, size));
        name(config, "sep_token", metadata.id(PREFIX + "seperator_token_id", -1, size));
        name(config, "cls_token", metadata.id(PREFIX + "cls_token_id", -1, size));
        name(config, "mask_token", metadata.id(PREFIX + "mask_token_id", -1, size));
        config.put("add_bos_token", addsBos);
        config.put("add_eos_token", behind >= 0 && behind == eos);
        config.put("clean_up_tokenization_spaces", false);
        String architecture = metadata.string("general.architecture");
        if (architecture != null && metadata.values().get(architecture + ".context_length") instanceof Number length) {
            config.put("model_max_length", length.longValue());
        }
        String template = metadata.string("tokenizer.chat_template");
        if (template != null) {
            config.put("chat_template", template);
        }
        return config;
    }

    private void name(ObjectNode config, String key, int id) {
        if (id >= 0) {
            config.put(key, vocabulary.tokens().get(id));
        }
    }
}
