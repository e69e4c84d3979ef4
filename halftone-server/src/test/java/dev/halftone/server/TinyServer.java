package dev.halftone.server;

import dev.halftone.TinyModel;
import dev.halftone.format.ModelFile;
import dev.halftone.format.ModelWriter;
import dev.halftone.runtime.Engines;
import dev.halftone.runtime.generate.TextModel;
import dev.halftone.tensor.Compute;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A server of {@link TinyModel} with a tokenizer of single bytes, an EOS, a chat template, and room for 512 tokens. What it writes is
 * nonsense, quickly.
 */
final class TinyServer implements AutoCloseable {
    static final JsonMapper JSON = JsonMapper.shared();
    static final String NAME = "tiny";
    static final int CONTEXT = 512;

    private static final int BYTES = 96;
    private static final int EOS = BYTES - 1;
    private static final String TEMPLATE =
            "{% for m in messages %}{% if m.role not in ['system', 'user', 'assistant', 'tool'] %}"
                    + "{{ raise_exception('unknown role ' + m.role) }}{% endif %}{{ m.role + '> ' + m.content + ' ' }}{% endfor %}"
                    + "{% if tools %}{{ tools | length }} tools {% endif %}{% if add_generation_prompt %}assistant> {% endif %}";

    private final ModelFile file;
    private final TextModel model;
    private final HalftoneServer server;
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .build();

    TinyServer(Path directory) throws IOException {
        this(directory, options -> options);
    }

    TinyServer(Path directory, UnaryOperator<ServerOptions> options) throws IOException {
        file = ModelFile.open(write(directory));
        model = TextModel.open(file, Engines.FLOAT, Compute.FLOAT32, 2, 0);
        server = new HalftoneServer(model, options.apply(ServerOptions.local(NAME, 0)), Clock.systemUTC());
    }

    /** The model of the tests. */
    static Path write(Path directory) throws IOException {
        TinyModel.withBytes(TinyModel.write(directory, 1, 0.4), BYTES);
        ModelWriter.writeJson(
                directory.resolve("config.json"), TinyModel.config().put("max_position_embeddings", CONTEXT));
        Path file = directory.resolve("tokenizer.json");
        ObjectNode tokenizer = (ObjectNode) JSON.readTree(java.nio.file.Files.readString(file));
        String eos = "<" + EOS + ">";
        tokenizer
                .withArray("added_tokens")
                .addObject()
                .put("id", EOS)
                .put("content", eos)
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", true);
        ModelWriter.writeJson(file, tokenizer);
        ModelWriter.writeJson(
                directory.resolve("tokenizer_config.json"),
                JSON.createObjectNode().put("eos_token", eos).put("chat_template", TEMPLATE));
        return directory;
    }

    /** Defaults with some settings changed. */
    static ServerOptions with(ServerOptions o, int parallel, int queue, int requestSeconds, String apiKey) {
        return new ServerOptions(
                o.host(),
                o.port(),
                o.name(),
                apiKey.isEmpty() ? null : apiKey,
                parallel,
                queue,
                o.mostTokens(),
                1 << 16,
                8,
                requestSeconds,
                o.drainSeconds(),
                o.seed());
    }

    HalftoneServer server() {
        return server;
    }

    TextModel model() {
        return model;
    }

    HttpClient client() {
        return client;
    }

    URI at(String path) {
        return server.address().resolve(path);
    }

    HttpRequest post(String path, String body) {
        return HttpRequest.newBuilder(at(path))
                .timeout(Duration.ofSeconds(60))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    HttpResponse<String> send(HttpRequest request) {
        try {
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    HttpResponse<String> get(String path) {
        return send(
                HttpRequest.newBuilder(at(path)).timeout(Duration.ofSeconds(60)).build());
    }

    /** The document of an answer that must be a success. */
    JsonNode ask(String path, ObjectNode body) {
        HttpResponse<String> response = send(post(path, body.toString()));
        if (response.statusCode() != 200) {
            throw new AssertionError(response.statusCode() + " " + response.body());
        }
        return JSON.readTree(response.body());
    }

    /** Waits until nothing is computed. */
    void awaitIdle() throws InterruptedException {
        long end = System.nanoTime() + 20_000_000_000L;
        while (server.sequences() > 0) {
            if (System.nanoTime() > end) {
                throw new AssertionError(server.sequences() + " sequences are left");
            }
            Thread.sleep(5);
        }
    }

    @Override
    public void close() {
        client.shutdownNow();
        server.close();
        model.close();
        file.close();
    }
}
