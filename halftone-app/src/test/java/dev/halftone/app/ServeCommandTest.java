package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** As a process of its own, because only a process can be told to end. */
class ServeCommandTest {
    @Test
    @DisabledOnOs(OS.WINDOWS) // knows no SIGTERM
    void itServesUntilItIsToldToEnd(@TempDir Path directory) throws Exception {
        Path model = TinyModel.write(directory.resolve("tiny"), 1, 0.4);
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "dev.halftone.app.Main",
                        "serve",
                        model.toString(),
                        "--port",
                        "0",
                        "--json")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader out =
                        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
                HttpClient client = HttpClient.newHttpClient()) {
            JsonNode started = JsonMapper.shared().readTree(String.valueOf(out.readLine()));
            assertThat(started.path("model").asString()).isEqualTo("tiny");
            assertThat(started.path("context_length").asInt()).isEqualTo(64);
            URI address = URI.create(started.path("address").asString());
            assertThat(address.getHost()).isEqualTo("127.0.0.1");
            HttpRequest request = HttpRequest.newBuilder(address.resolve("v1/completions"))
                    .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\": \"w1 w2\", \"max_tokens\": 4}"))
                    .build();
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            process.destroy();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isZero();
        } finally {
            process.destroyForcibly();
        }
    }
}
