package dev.halftone.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class ManyRequestsTest {
    private static final int REQUESTS = 1000;
    private static final int CLIENTS = 20;
    private static final int PROMPTS = 12;

    /** Bodies of requests for completions, each wrong in its own way. */
    private static final List<String> MALFORMED = List.of(
            "",
            "nothing",
            "[]",
            "null",
            "{",
            "{\"prompt\": }",
            "{\"prompt\": \"a\"} {\"prompt\": \"b\"}",
            "{\"prompt\": \"a\", \"prompt\": 3",
            "{}",
            "{\"prompt\": \"\"}",
            "{\"prompt\": 3}",
            "{\"prompt\": []}",
            "{\"prompt\": [[]]}",
            "{\"prompt\": [1, \"a\"]}",
            "{\"prompt\": [1.5]}",
            "{\"prompt\": [-1]}",
            "{\"prompt\": [96]}",
            "{\"prompt\": [99999999999]}",
            "{\"prompt\": [[1], {}]}",
            "{\"prompt\": \"a\", \"max_tokens\": -1}",
            "{\"prompt\": \"a\", \"max_tokens\": 0}",
            "{\"prompt\": \"a\", \"max_tokens\": 1e99}",
            "{\"prompt\": \"a\", \"max_tokens\": \"many\"}",
            "{\"prompt\": \"ab\", \"max_tokens\": 512}",
            "{\"prompt\": \"a\", \"temperature\": \"hot\"}",
            "{\"prompt\": \"a\", \"temperature\": -0.1}",
            "{\"prompt\": \"a\", \"temperature\": 1e999}",
            "{\"prompt\": \"a\", \"top_p\": 0}",
            "{\"prompt\": \"a\", \"n\": 0}",
            "{\"prompt\": \"a\", \"n\": 1000}",
            "{\"prompt\": \"a\", \"n\": 2, \"best_of\": 4}",
            "{\"prompt\": \"a\", \"seed\": 1.5}",
            "{\"prompt\": \"a\", \"stop\": [1]}",
            "{\"prompt\": \"a\", \"stop\": \"\"}",
            "{\"prompt\": \"a\", \"stream\": \"yes\"}",
            "{\"prompt\": \"a\", \"stream_options\": {}}",
            "{\"prompt\": \"a\", \"logit_bias\": {\"x\": 1}}",
            "{\"prompt\": \"a\", \"logit_bias\": {\"1\": 1000}}",
            "{\"prompt\": \"a\", \"logprobs\": 1000}",
            "{\"prompt\": \"a\", \"suffix\": \"b\"}",
            "{\"prompt\": \"a\", \"frobnicate\": true}",
            "{\"prompt\": \"a\", \"model\": \"other\"}",
            "{\"prompt\": \"a\", \"model\": 3}",
            "\u0000\u0001\u0002",
            "[".repeat(5000));

    private static final List<String> MALFORMED_CHATS = List.of(
            "{}",
            "{\"messages\": []}",
            "{\"messages\": \"hello\"}",
            "{\"messages\": [\"hello\"]}",
            "{\"messages\": [{\"role\": \"user\"}]}",
            "{\"messages\": [{\"content\": \"a\"}]}",
            "{\"messages\": [{\"role\": \"wizard\", \"content\": \"a\"}]}",
            "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]}",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"top_logprobs\": 2}",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"response_format\": {\"type\": \"json_object\"}}",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"tools\": 3}",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"tool_choice\": \"required\"}",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"max_completion_tokens\": 0}");

    private final Map<Integer, String> expected = new ConcurrentHashMap<>();

    private static ObjectNode request(int prompt, boolean stream) {
        return TinyServer.JSON
                .createObjectNode()
                .put("model", TinyServer.NAME)
                .put("prompt", "prompt number " + prompt + " ".repeat(1 + 5 * prompt) + "goes on with")
                .put("max_tokens", 24)
                .put("seed", prompt)
                .put("stream", stream);
    }

    @Test
    void aThousandRequestsLeaveNothingBehind(@TempDir Path directory) throws Exception {
        try (TinyServer tiny = new TinyServer(directory.resolve("model"), o -> TinyServer.with(o, 8, 64, 60, ""));
                ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
            for (int i = 0; i < PROMPTS; i++) {
                expected.put(i, text(tiny.ask("v1/completions", request(i, false))));
            }
            assertThat(expected.values().stream().distinct().count()).isGreaterThan(PROMPTS / 2);
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < REQUESTS; i++) {
                RandomGenerator random =
                        RandomGeneratorFactory.of("L64X128MixRandom").create(i);
                all.add(clients.submit(() -> {
                    one(tiny, random);
                    return true;
                }));
            }
            for (Future<?> future : all) {
                future.get();
            }
            tiny.awaitIdle();
            String metrics = tiny.get("metrics").body();
            assertThat(value(metrics, "halftone_running_sequences")).isZero();
            assertThat(value(metrics, "halftone_waiting_sequences")).isZero();
            assertThat(value(metrics, "halftone_cancelled_requests_total")).isPositive();
            assertThat(value(metrics, "halftone_generated_tokens_total")).isGreaterThan(1000);
            assertThat(value(metrics, "halftone_time_to_first_token_seconds_count"))
                    .isGreaterThan(100);
            assertThat(metrics).doesNotContain("status=\"500\"");
            assertThat(text(tiny.ask("v1/completions", request(3, false)))).isEqualTo(expected.get(3));
        }
    }

    private static String text(JsonNode answer) {
        return answer.path("choices").get(0).path("text").asString();
    }

    private static double value(String metrics, String name) {
        Matcher line = Pattern.compile("(?m)^" + name + " (\\S+)$").matcher(metrics);
        assertThat(line.find()).as("%s in %s", name, metrics).isTrue();
        return Double.parseDouble(line.group(1));
    }

    private void one(TinyServer tiny, RandomGenerator random) throws Exception {
        int prompt = random.nextInt(PROMPTS);
        switch (random.nextInt(6)) {
            case 0 ->
                assertThat(text(tiny.ask("v1/completions", request(prompt, false))))
                        .isEqualTo(expected.get(prompt));
            case 1 -> assertThat(streamed(tiny, prompt)).isEqualTo(expected.get(prompt));
            case 2 -> cancelled(tiny, prompt, random.nextInt(3));
            case 3 -> halfSent(tiny, random);
            case 4 -> malformed(tiny, "v1/completions", MALFORMED.get(random.nextInt(MALFORMED.size())));
            default ->
                malformed(tiny, "v1/chat/completions", MALFORMED_CHATS.get(random.nextInt(MALFORMED_CHATS.size())));
        }
    }

    private static String streamed(TinyServer tiny, int prompt) {
        HttpResponse<String> response =
                tiny.send(tiny.post("v1/completions", request(prompt, true).toString()));
        assertThat(response.statusCode()).isEqualTo(200);
        StringBuilder text = new StringBuilder();
        List<String> events =
                response.body().lines().filter(line -> !line.isEmpty()).toList();
        assertThat(events.getLast()).isEqualTo("data: [DONE]");
        for (String event : events.subList(0, events.size() - 1)) {
            text.append(text(TinyServer.JSON.readTree(event.substring("data: ".length()))));
        }
        return text.toString();
    }

    /** Goes away before the answer, or in the middle of it. */
    private static void cancelled(TinyServer tiny, int prompt, int bytes) throws Exception {
        HttpRequest request = tiny.post(
                "v1/completions", request(prompt, true).put("max_tokens", 300).toString());
        HttpResponse<InputStream> response = tiny.client().send(request, HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream in = response.body()) {
            in.readNBytes(bytes * 200);
        }
    }

    private static void halfSent(TinyServer tiny, RandomGenerator random) throws IOException {
        String body = request(1, false).put("max_tokens", 300).toString();
        String head = "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
                .formatted(body.length());
        byte[] whole = (head + body).getBytes(StandardCharsets.UTF_8);
        try (Socket socket = new Socket(
                InetAddress.getLoopbackAddress(), tiny.server().address().getPort())) {
            socket.getOutputStream().write(whole, 0, 1 + random.nextInt(whole.length));
            socket.getOutputStream().flush();
        }
    }

    private static void malformed(TinyServer tiny, String path, String body) {
        HttpResponse<String> response = tiny.send(tiny.post(path, body));
        assertThat(response.statusCode()).as("%s: %s", body, response.body()).isBetween(400, 499);
        JsonNode error = TinyServer.JSON.readTree(response.body()).path("error");
        assertThat(error.path("message").asString()).as(body).startsWith("HT-");
        assertThat(error.path("type").asString()).isEqualTo("invalid_request_error");
    }

    @Test
    void everyMalformedBodyIsRefusedWithAMessage(@TempDir Path directory) throws IOException {
        try (TinyServer tiny = new TinyServer(directory.resolve("model"), o -> TinyServer.with(o, 8, 64, 60, ""))) {
            MALFORMED.forEach(body -> malformed(tiny, "v1/completions", body));
            MALFORMED_CHATS.forEach(body -> malformed(tiny, "v1/chat/completions", body));
            assertThat(tiny.send(tiny.post("v1/completions", "x".repeat(1 << 17)))
                            .statusCode())
                    .isEqualTo(413);
            assertThat(tiny.get("v1/completions").statusCode()).isEqualTo(405);
            assertThat(tiny.get("elsewhere").statusCode()).isEqualTo(404);
        }
    }
}
