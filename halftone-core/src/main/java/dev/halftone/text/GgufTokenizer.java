package dev.halftone.text;

import dev.halftone.error.InputException;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A GGUF vocabulary as tokenizer.json and tokenizer_config.json.
 *
 * <p>Kinds ({@code tokenizer.ggml.model}): "gpt2" byte-level BPE; "llama" SentencePiece BPE with scores instead of merges;
 * "gemma4" BPE over characters with merges; "bert" WordPiece.
 */
final class GgufTokenizer {
    private static final String PREFIX = TokenizerMetadata.PREFIX;

    /** GGUF cannot say that Phi-3's chat tokens swallow the white space behind them; llama.cpp goes by the name too. */
    private static final Pattern PHI3 = Pattern.compile("phi-?3", Pattern.CASE_INSENSITIVE);

    private static final Set<String> PHI3_PLAIN = Set.of("<unk>", "<s>", "<|endoftext|>");

    private GgufTokenizer() {}

    static TokenizerFiles files(TokenizerMetadata metadata) {
        String model = metadata.string(PREFIX + "model");
        return switch (model) {
            case null -> throw unknownModel(metadata, "is missing");
            case "gpt2" -> byteLevel(metadata);
            case "llama" -> sentencePiece(metadata);
            case "gemma4" -> characterBpe(metadata);
            case "bert" -> wordPiece(metadata);
            default -> throw unknownModel(metadata, "is \"%s\"".formatted(model));
        };
    }

    private static InputException unknownModel(TokenizerMetadata metadata, String found) {
        return new InputException(
                "HT-253",
                metadata.place(),
                "tokenizer.ggml.model %s; known: gpt2, llama, gemma4, bert".formatted(found),
                "use the model's Hugging Face directory");
    }

    private static TokenizerFiles byteLevel(TokenizerMetadata metadata) {
        GgufVocabulary vocabulary = GgufVocabulary.read(metadata);
        String name = metadata.string(PREFIX + "pre");
        PreTokenizer pre = PreTokenizer.named(name == null ? "default" : name, metadata.place());
        SpecialTokens specials = SpecialTokens.read(metadata, vocabulary, -1, -1, -1, pre.addsBos());

        TokenizerDocument document = new TokenizerDocument();
        document.normalizer = pre.nfc() ? node("NFC") : null;
        document.preTokenizer = pre.toJson();
        document.decoder = PreTokenizer.byteLevel(true).put("add_prefix_space", true);
        document.postProcessor = specials.template();
        document.addedTokens(vocabulary, _ -> false);
        document.model = bpe(null, false, pre.ignoreMerges());
        document.vocabulary = vocabulary.ids();
        document.merges = vocabulary.merges(metadata);
        String kind = "byte-level BPE (%s)".formatted(name == null ? "default, the file names none" : name);
        return specials.files(document, metadata, kind);
    }

    /** Scores instead of merges; unknown characters become bytes. */
    private static TokenizerFiles sentencePiece(TokenizerMetadata metadata) {
        GgufVocabulary vocabulary = GgufVocabulary.read(metadata);
        SpecialTokens specials = SpecialTokens.read(metadata, vocabulary, 1, 2, 0, true);
        boolean spacePrefix = metadata.flag(PREFIX + "add_space_prefix", true);
        String name = metadata.string("general.name");
        boolean phi3 = name != null && PHI3.matcher(name).find();
        Predicate<String> strips = phi3 ? token -> !PHI3_PLAIN.contains(token) : _ -> false;

        TokenizerDocument document = characters(vocabulary, specials, spacePrefix, strips);
        document.preTokenizer = null;
        document.merges = SentencePieceMerges.fromScores(vocabulary, metadata.numbers(PREFIX + "scores"), metadata);
        return specials.files(document, metadata, "SentencePiece BPE");
    }

    /** Merges over characters, lines apart; unknown characters become bytes. */
    private static TokenizerFiles characterBpe(TokenizerMetadata metadata) {
        GgufVocabulary vocabulary = GgufVocabulary.read(metadata);
        SpecialTokens specials = SpecialTokens.read(metadata, vocabulary, -1, -1, -1, true);

        TokenizerDocument document = characters(vocabulary, specials, false, _ -> false);
        document.preTokenizer = PreTokenizer.split("[^\\n]+|[\\n]+");
        document.merges = vocabulary.merges(metadata);
        return specials.files(document, metadata, "character BPE (gemma4)");
    }

    private static TokenizerDocument characters(
            GgufVocabulary vocabulary, SpecialTokens specials, boolean spacePrefix, Predicate<String> strips) {
        JsonNodeFactory json = JsonNodeFactory.instance;
        TokenizerDocument document = new TokenizerDocument();
        ObjectNode spaces = node("Replace");
        spaces.set("pattern", json.objectNode().put("String", " "));
        spaces.put("content", GgufVocabulary.SPACE);
        document.normalizer = spacePrefix
                ? sequence("normalizers", node("Prepend").put("prepend", GgufVocabulary.SPACE), spaces)
                : spaces;

        ObjectNode back = node("Replace");
        back.set("pattern", json.objectNode().put("String", GgufVocabulary.SPACE));
        back.put("content", " ");
        ObjectNode strip = node("Strip").put("content", " ").put("start", 1).put("stop", 0);
        document.decoder = spacePrefix
                ? sequence("decoders", back, node("ByteFallback"), node("Fuse"), strip)
                : sequence("decoders", back, node("ByteFallback"), node("Fuse"));
        document.postProcessor = specials.template();
        document.addedTokens(vocabulary, strips);
        document.model = bpe(specials.unknownToken(), true, false);
        document.vocabulary = vocabulary.ids();
        return document;
    }

    private static TokenizerFiles wordPiece(TokenizerMetadata metadata) {
        GgufVocabulary vocabulary = GgufVocabulary.read(metadata).withoutPhantomSpaces(metadata);
        int cls = metadata.id(PREFIX + "cls_token_id", 101, vocabulary.size());
        SpecialTokens specials = SpecialTokens.read(metadata, vocabulary, cls, -1, 100, true)
                .withBehind(metadata.id(PREFIX + "seperator_token_id", 102, vocabulary.size()));
        boolean lowercase = metadata.flag(PREFIX + "normalizer.lowercase", true);

        TokenizerDocument document = new TokenizerDocument();
        document.normalizer = node("BertNormalizer")
                .put("clean_text", true)
                .put("handle_chinese_chars", true)
                .put("strip_accents", metadata.flag(PREFIX + "normalizer.strip_accents", lowercase))
                .put("lowercase", lowercase);
        document.preTokenizer = node("BertPreTokenizer");
        document.decoder = node("WordPiece").put("prefix", "##").put("cleanup", true);
        document.postProcessor = specials.template();
        document.addedTokens(vocabulary, _ -> false);
        document.model = node("WordPiece")
                .put("unk_token", specials.unknownToken())
                .put("continuing_subword_prefix", "##")
                .put("max_input_chars_per_word", 100);
        document.vocabulary = vocabulary.ids();
        return specials.files(document, metadata, "WordPiece");
    }

    private static ObjectNode bpe(@Nullable String unknown, boolean byteFallback, boolean ignoreMerges) {
        return node("BPE")
                .putNull("dropout")
                .put("unk_token", unknown)
                .putNull("continuing_subword_prefix")
                .putNull("end_of_word_suffix")
                .put("fuse_unk", byteFallback)
                .put("byte_fallback", byteFallback)
                .put("ignore_merges", ignoreMerges);
    }

    private static ObjectNode node(String type) {
        return JsonNodeFactory.instance.objectNode().put("type", type);
    }

    private static ObjectNode sequence(String name, ObjectNode... parts) {
        return node("Sequence").set(name, JsonNodeFactory.instance.arrayNode().addAll(List.of(parts)));
    }
}
