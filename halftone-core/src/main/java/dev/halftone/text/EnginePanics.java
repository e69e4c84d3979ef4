package dev.halftone.text;

import dev.halftone.error.InputException;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;

/** Refuses what the engine (tokenizers 0.21) does not survive: a panic in native code ends the whole JVM. */
final class EnginePanics {
    private EnginePanics() {}

    /**
     * Checks a tokenizer.json.
     *
     * @throws InputException HT-252
     */
    static void check(JsonNode document, Path file) {
        checkDecoder(document.path("decoder"), file);
        checkProcessor(document.path("post_processor"), file);
        JsonNode model = document.path("model");
        String prefix = model.path("continuing_subword_prefix").asString("");
        if (!prefix.isEmpty()) {
            checkMerges(model.path("merges"), prefix, file);
        }
    }

    /** Strip counts {@code stop} characters back from a token's end without a look at its length. */
    private static void checkDecoder(JsonNode decoder, Path file) {
        if (decoder.path("type").asString("").equals("Strip")
                && !decoder.path("stop").toString().equals("0")) {
            throw refused(file, "a Strip decoder has stop " + shortened(decoder.path("stop")) + "; expected 0");
        }
        decoder.forEach(child -> {
            if (child.isContainer()) {
                checkDecoder(child, file);
            }
        });
    }

    /** The template of a single text may not ask for the second text, {@code $B}: the engine counts on two then. */
    private static void checkProcessor(JsonNode processor, Path file) {
        for (JsonNode piece : processor.path("single")) {
            if (piece.path("Sequence").toString().contains("\"B\"")) {
                throw refused(file, "the post-processor's template of a single text asks for a second one, $B");
            }
        }
        processor.forEach(child -> {
            if (child.isContainer()) {
                checkProcessor(child, file);
            }
        });
    }

    /** The engine cuts the prefix off the right half of each merge without a look at whether it is there. */
    private static void checkMerges(JsonNode merges, String prefix, Path file) {
        for (JsonNode merge : merges) {
            String line = merge.asString("");
            String right = merge.isArray() ? merge.path(1).asString("") : line.substring(line.indexOf(' ') + 1);
            if (!right.startsWith(prefix)) {
                throw refused(
                        file,
                        "merge %s has a right half that does not start with continuing_subword_prefix \"%s\""
                                .formatted(shortened(merge), prefix));
            }
        }
    }

    private static String shortened(JsonNode node) {
        String text = node.toString();
        return text.length() <= 40 ? text : text.substring(0, 40) + "...";
    }

    private static InputException refused(Path file, String found) {
        return new InputException(
                "HT-252",
                file.toString(),
                "the tokenizer is not usable: " + found,
                "save it again with a current version of transformers");
    }
}
