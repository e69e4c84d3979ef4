package dev.halftone.runtime.generate;

import dev.halftone.checkpoint.GgufCheckpoint;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The tokens with which a model ends a text: EOS, and what else its files name, such as the end of a chat's turn. */
final class EndTokens {
    private static final String GENERATION = "generation_config.json";

    private EndTokens() {}

    /** @throws InputException HT-937 for a generation_config.json that is no JSON */
    static Set<Integer> of(ModelFile file, TextTokenizer tokenizer) {
        Set<Integer> ids = new TreeSet<>();
        ids.add(tokenizer.eosId());
        add(file.checkpoint().config().path("eos_token_id"), ids);
        Path generation = file.path().resolve(GENERATION);
        if (Files.isRegularFile(generation)) {
            try {
                add(JsonMapper.shared().readTree(TextFiles.read(generation)).path("eos_token_id"), ids);
            } catch (JacksonException e) {
                throw new InputException(
                        "HT-937",
                        generation.toString(),
                        "is not JSON: " + e.getOriginalMessage().replaceAll("\\s+", " "),
                        "correct or remove it");
            }
        }
        if (file.checkpoint() instanceof GgufCheckpoint gguf) {
            for (String role : List.of("eot", "eom")) {
                if (gguf.metadata().get("tokenizer.ggml." + role + "_token_id") instanceof Number id) {
                    ids.add(id.intValue());
                }
            }
        }
        ids.removeIf(id -> id < 0);
        return Set.copyOf(ids);
    }

    /** An id, or a list of ids. */
    private static void add(JsonNode value, Set<Integer> ids) {
        if (value.isIntegralNumber() && value.canConvertToInt()) {
            ids.add(value.intValue());
        }
        for (JsonNode one : value) {
            add(one, ids);
        }
    }
}
