package dev.halftone.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.runtime.TokenEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What the evaluation harness asks ({@code local-completions}) and how it reads the answers. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ScoresTest {
    private TinyServer tiny;

    @BeforeAll
    void open(@TempDir Path directory) throws IOException {
        tiny = new TinyServer(directory.resolve("model"), o -> TinyServer.with(o, 4, 64, 60, ""));
    }

    @AfterAll
    void close() {
        tiny.close();
    }

    private static ObjectNode scoring() {
        return TinyServer.JSON
                .createObjectNode()
                .put("model", TinyServer.NAME)
                .put("temperature", 0)
                .put("max_tokens", 1)
                .put("logprobs", 1)
                .put("seed", 1234)
                .put("echo", true);
    }

    private static void add(ArrayNode prompts, int[] ids) {
        ArrayNode prompt = prompts.addArray();
        for (int id : ids) {
            prompt.add(id);
        }
    }

    @Test
    void logLikelihoodsEqualThoseInThisProcess() {
        List<int[]> prompts = List.of(
                tiny.model().encode("some words to be scored"),
                tiny.model().encode("others"),
                tiny.model().encode("and a third text that is longer than the ones before it"));
        ObjectNode request = scoring();
        ArrayNode lists = request.putArray("prompt");
        prompts.forEach(ids -> add(lists, ids));
        JsonNode answer = tiny.ask("v1/completions", request);
        assertThat(answer.path("usage").path("completion_tokens").asInt()).isEqualTo(3);
        for (JsonNode choice : answer.path("choices")) {
            int[] ids = prompts.get(choice.path("index").asInt());
            JsonNode logprobs = choice.path("logprobs");
            JsonNode scores = logprobs.path("token_logprobs");
            JsonNode tops = logprobs.path("top_logprobs");
            assertThat(scores).hasSize(ids.length + 1);
            assertThat(tops).hasSize(ids.length + 1);
            assertThat(logprobs.path("tokens")).hasSize(ids.length + 1);
            assertThat(scores.get(0).isNull()).isTrue();
            float[] logits = logits(ids);
            int v = tiny.model().engine().vocabulary();
            for (int i = 1; i < ids.length; i++) {
                double sum = 0;
                int best = 0;
                for (int k = 0; k < v; k++) {
                    sum += Math.exp(logits[(i - 1) * v + k]);
                    best = logits[(i - 1) * v + k] > logits[(i - 1) * v + best] ? k : best;
                }
                double expected = logits[(i - 1) * v + ids[i]] - Math.log(sum);
                assertThat(scores.get(i).asDouble()).isCloseTo(expected, within(1e-5));
                double largest = tops.get(i)
                        .valueStream()
                        .mapToDouble(JsonNode::asDouble)
                        .max()
                        .orElseThrow();
                assertThat(scores.get(i).asDouble() == largest).as("greedy").isEqualTo(best == ids[i]);
            }
        }
    }

    private float[] logits(int[] ids) {
        try (TokenEngine.Sequence sequence = tiny.model().engine().open(ids.length)) {
            return tiny.model()
                    .engine()
                    .step(List.of(new TokenEngine.Chunk(sequence, ids, true)))
                    .getFirst();
        }
    }

    @Test
    void textsAndTokensAreScoredAlike() {
        ObjectNode byText = scoring().put("prompt", "one text");
        ObjectNode byTokens = scoring();
        add(byTokens.putArray("prompt"), tiny.model().encode("one text"));
        JsonNode text = tiny.ask("v1/completions", byText).path("choices").get(0);
        JsonNode tokens = tiny.ask("v1/completions", byTokens).path("choices").get(0);
        assertThat(text.path("logprobs")).isEqualTo(tokens.path("logprobs"));
        assertThat(text.path("text")).isEqualTo(tokens.path("text"));
        assertThat(text.path("text").asString()).startsWith("one text");
        JsonNode offsets = text.path("logprobs").path("text_offset");
        assertThat(offsets.get(3).asInt()).isEqualTo(3);
    }

    @Test
    void theRemoteTokenizerIsThere() {
        JsonNode info = TinyServer.JSON.readTree(tiny.get("tokenizer_info").body());
        assertThat(info.path("eos_token").asString()).isEqualTo("<95>");
        assertThat(info.path("bos_token").isNull()).isTrue();
        ObjectNode eos =
                TinyServer.JSON.createObjectNode().put("prompt", "<95>").put("add_special_tokens", false);
        assertThat(tiny.ask("tokenize", eos).path("tokens").get(0).asInt()).isEqualTo(95);
        JsonNode tokens = tiny.ask(
                        "tokenize", TinyServer.JSON.createObjectNode().put("prompt", "round trip"))
                .path("tokens");
        ObjectNode back = TinyServer.JSON.createObjectNode();
        back.set("tokens", tokens);
        assertThat(tiny.ask("detokenize", back).path("prompt").asString()).isEqualTo("round trip");
    }
}
