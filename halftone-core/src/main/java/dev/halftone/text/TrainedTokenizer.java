package dev.halftone.text;

import dev.halftone.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Writes what {@link BpeTrainer} learned as the files of a Hugging Face directory. */
public final class TrainedTokenizer {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final JsonMapper JSON = JsonMapper.shared();

    private TrainedTokenizer() {}

    /**
     * Writes tokenizer.json and tokenizer_config.json; the directory is made if it is not there.
     *
     * @throws InputException HT-261 if a file is there already or cannot be written
     */
    public static void write(BpeTrainer.Vocabulary vocabulary, Path directory) {
        Path tokenizer = directory.resolve("tokenizer.json");
        if (Files.exists(tokenizer)) {
            throw new InputException("HT-261", tokenizer.toString(), "is there already", "name another directory");
        }
        try {
            Files.createDirectories(directory);
            Files.writeString(tokenizer, pretty(document(vocabulary)));
            Files.writeString(directory.resolve("tokenizer_config.json"), pretty(config()));
        } catch (IOException e) {
            throw new InputException("HT-261", directory.toString(), "cannot be written (" + e + ")", "check the path");
        }
    }

    private static String pretty(ObjectNode node) {
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n";
    }

    /** tokenizer.json of a model whose texts all began with BOS, so that every reader puts it there. */
    public static String beginningWithBos(TextTokenizer tokenizer) {
        ObjectNode document = (ObjectNode) JSON.readTree(tokenizer.toJson());
        String token = JSON.readTree(tokenizer.configJson()).path("bos_token").asString("");
        document.set("post_processor", TextTemplate.of(new TextTemplate.Token(token, tokenizer.bosId()), null));
        return JSON.writeValueAsString(document);
    }

    /** tokenizer_config.json that belongs to {@link #beginningWithBos}. */
    public static String beginningWithBosConfig(TextTokenizer tokenizer) {
        ObjectNode config = (ObjectNode) JSON.readTree(tokenizer.configJson());
        return pretty(config.put("add_bos_token", true));
    }

    private static ObjectNode config() {
        return NODES.objectNode()
                .put("tokenizer_class", "PreTrainedTokenizerFast")
                .put("bos_token", BpeTrainer.END_OF_TEXT)
                .put("eos_token", BpeTrainer.END_OF_TEXT)
                .put("pad_token", BpeTrainer.PADDING)
                .put("add_bos_token", false)
                .put("clean_up_tokenization_spaces", false);
    }

    /** The tokenizer.json document. */
    static ObjectNode document(BpeTrainer.Vocabulary vocabulary) {
        ObjectNode document = NODES.objectNode().put("version", "1.0");
        document.putNull("truncation").putNull("padding");
        ArrayNode added = document.putArray("added_tokens");
        for (int id = 0; id < 2; id++) {
            added.addObject()
                    .put("id", id)
                    .put("content", vocabulary.tokens().get(id))
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        document.putNull("normalizer");
        ArrayNode steps =
                document.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
        steps.addObject().put("type", "Digits").put("individual_digits", true);
        byteLevel(steps.addObject(), false);
        document.putNull("post_processor");
        byteLevel(document.putObject("decoder"), true);
        ObjectNode model = document.putObject("model").put("type", "BPE");
        model.putNull("dropout")
                .putNull("unk_token")
                .putNull("continuing_subword_prefix")
                .putNull("end_of_word_suffix");
        model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
        ObjectNode ids = model.putObject("vocab");
        for (int id = 0; id < vocabulary.tokens().size(); id++) {
            ids.put(vocabulary.tokens().get(id), id);
        }
        ArrayNode merges = model.putArray("merges");
        vocabulary.merges().forEach(merge -> merges.addArray().add(merge.get(0)).add(merge.get(1)));
        return document;
    }

    private static void byteLevel(ObjectNode node, boolean prefix) {
        node.put("type", "ByteLevel")
                .put("add_prefix_space", prefix)
                .put("trim_offsets", true)
                .put("use_regex", true);
    }
}
