package dev.halftone.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

class ServerLimitsTest {
    @TempDir
    private Path directory = Path.of("");

    private static ObjectNode request(int tokens, boolean stream) {
        ObjectNode node =
                TinyServer.JSON.createObjectNode().put("prompt", "begin").put("max_tokens", tokens);
        node.putObject("logit_bias").put("95", -100); // no end before the last token
        return node.put("stream", stream).put("seed", 1);
    }

    private static BufferedReader open(TinyServer tiny, ObjectNode request) throws Exception {
        HttpResponse<InputStream> response = tiny.client()
                .send(tiny.post("v1/completions", request.toString()), HttpResponse.BodyHandlers.ofInputStream());
        assertThat(response.statusCode()).isEqualTo(200);
        BufferedReader reader = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
        assertThat(reader.readLine()).startsWith("data: {");
        return reader;
    }

    @Test
    void aFullQueueIsToldAndBecomesFreeWhenAClientGoesAway() throws Exception {
        try (TinyServer tiny = new TinyServer(directory.resolve("model"), o -> TinyServer.with(o, 1, 1, 60, ""))) {
            try (BufferedReader _ = open(tiny, request(500, true).put("n", 2))) {
                HttpResponse<String> refused =
                        tiny.send(tiny.post("v1/completions", request(1, false).toString()));
                assertThat(refused.statusCode()).isEqualTo(429);
                assertThat(refused.headers().firstValue("Retry-After")).isPresent();
                assertThat(refused.body()).contains("HT-957").contains("rate_limit_exceeded");
            }
            tiny.awaitIdle();
            assertThat(tiny.ask("v1/completions", request(1, false)).path("choices"))
                    .hasSize(1);
            HttpResponse<String> never = tiny.send(
                    tiny.post("v1/completions", request(1, false).put("n", 3).toString()));
            assertThat(never.statusCode()).isEqualTo(400);
        }
    }

    @Test
    void aRequestThatTakesTooLongIsEnded() throws Exception {
        try (TinyServer tiny = new TinyServer(directory.resolve("model"), o -> TinyServer.with(o, 1, 9, 1, ""))) {
            // More than this model writes in a second, one after the other.
            HttpResponse<String> late = tiny.send(
                    tiny.post("v1/completions", request(500, false).put("n", 9).toString()));
            if (late.statusCode() != 200) {
                assertThat(late.statusCode()).isEqualTo(503);
                assertThat(late.body()).contains("HT-962");
            }
            tiny.awaitIdle();
            try (Socket socket = new Socket(
                    InetAddress.getLoopbackAddress(), tiny.server().address().getPort())) {
                socket.getOutputStream()
                        .write("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"
                                .getBytes(StandardCharsets.UTF_8));
                String answer = new String(socket.getInputStream().readNBytes(12), StandardCharsets.UTF_8);
                assertThat(answer).isEqualTo("HTTP/1.1 408");
            }
        }
    }

    @Test
    void theKeyIsAskedForWhereThereIsOne() throws IOException {
        try (TinyServer tiny =
                new TinyServer(directory.resolve("model"), o -> TinyServer.with(o, 1, 1, 60, "secret"))) {
            assertThat(tiny.get("health").statusCode()).isEqualTo(200);
            assertThat(tiny.get("").statusCode()).isEqualTo(200);
            assertThat(tiny.get("metrics").statusCode()).isEqualTo(401);
            HttpResponse<String> refused = tiny.get("v1/models");
            assertThat(refused.statusCode()).isEqualTo(401);
            assertThat(refused.body()).contains("invalid_api_key").doesNotContain("secret");
            HttpRequest.Builder models = HttpRequest.newBuilder(tiny.at("v1/models"));
            assertThat(tiny.send(models.copy()
                                    .header("Authorization", "Bearer secret")
                                    .build())
                            .statusCode())
                    .isEqualTo(200);
            assertThat(tiny.send(models.copy()
                                    .header("Authorization", "Bearer secrets")
                                    .build())
                            .statusCode())
                    .isEqualTo(401);
        }
    }

    @Test
    void pagesFromElsewhereAreRefused() throws IOException {
        try (TinyServer tiny = new TinyServer(directory.resolve("model"))) {
            HttpRequest.Builder models = HttpRequest.newBuilder(tiny.at("v1/models"));
            assertThat(tiny.send(models.copy()
                                    .header("Origin", "http://elsewhere.example")
                                    .build())
                            .statusCode())
                    .isEqualTo(403);
            assertThat(tiny.send(models.copy()
                                    .header("Origin", tiny.at("").toString().replaceFirst("/$", ""))
                                    .build())
                            .statusCode())
                    .isEqualTo(200);
            try (Socket socket = new Socket(
                    InetAddress.getLoopbackAddress(), tiny.server().address().getPort())) {
                socket.getOutputStream()
                        .write("GET /v1/models HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n"
                                .getBytes(StandardCharsets.UTF_8));
                String answer = new String(socket.getInputStream().readNBytes(12), StandardCharsets.UTF_8);
                assertThat(answer).isEqualTo("HTTP/1.1 403");
            }
        }
    }

    @Test
    void anEndLetsWhatRunsComeToItsEnd() throws Exception {
        try (TinyServer tiny = new TinyServer(directory.resolve("model"), o -> TinyServer.with(o, 4, 4, 60, ""))) {
            try (BufferedReader running = open(tiny, request(400, true))) {
                CompletableFuture<Void> draining =
                        CompletableFuture.runAsync(() -> tiny.server().drain());
                String last = "";
                for (String line = running.readLine(); line != null; line = running.readLine()) {
                    last = line.isEmpty() ? last : line;
                }
                assertThat(last).isEqualTo("data: [DONE]");
                draining.join();
            }
            assertThatThrownBy(() -> tiny.client()
                            .send(
                                    tiny.post(
                                            "v1/completions", request(1, false).toString()),
                                    HttpResponse.BodyHandlers.ofString()))
                    .isInstanceOf(IOException.class);
        }
    }

    @Test
    void aPortThatIsTakenAndSettingsOutOfRangeAreSaid() throws IOException {
        try (TinyServer tiny = new TinyServer(directory.resolve("model"))) {
            int port = tiny.server().address().getPort();
            assertThatThrownBy(() -> new TinyServer(directory.resolve("other"), _ -> ServerOptions.local("b", port)))
                    .hasMessageContaining("HT-963");
        }
        assertThatThrownBy(() -> ServerOptions.local("", 0)).hasMessageContaining("HT-964 --name");
        assertThatThrownBy(() -> ServerOptions.local("a", 70_000)).hasMessageContaining("HT-964 --port");
    }
}
