package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import dev.halftone.hub.HubServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

@Timeout(120)
class PullCommandTest {
    private static final List<String> VARIABLES = List.of(
            "HF_HOME",
            "HF_HUB_CACHE",
            "HUGGINGFACE_HUB_CACHE",
            "HF_ENDPOINT",
            "HF_TOKEN",
            "HF_TOKEN_PATH",
            "HF_HUB_OFFLINE");

    @TempDir
    private Path directory = Path.of("");

    private HubServer hub = open();
    private Path model = Path.of("");

    private static HubServer open() {
        try {
            return new HubServer("acme/tiny");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @BeforeEach
    void useTheLocalHub() throws IOException {
        model = TinyModel.write(directory.resolve("tiny"), 1);
        hub.add(model);
        VARIABLES.forEach(name -> System.setProperty("halftone." + name, "")); // nothing of the real environment
        System.setProperty("halftone.HF_HOME", directory.resolve("home").toString());
        System.setProperty("halftone.HF_ENDPOINT", hub.endpoint().toString());
    }

    @AfterEach
    void close() {
        VARIABLES.forEach(name -> System.clearProperty("halftone." + name));
        hub.close();
    }

    @Test
    void aPulledModelIsInspectedAndEvaluatedByItsName() throws IOException {
        Path text = Files.writeString(directory.resolve("test.txt"), TinyModel.text(300, 3));
        Command pulled = Command.run("pull", "acme/tiny");
        assertThat(pulled.code()).as(pulled.err()).isZero();
        Path snapshot =
                directory.resolve("home/hub/models--acme--tiny/snapshots").resolve(HubServer.COMMIT);
        assertThat(pulled.out().strip()).isEqualTo(snapshot.toString());
        assertThat(pulled.err()).contains("3 files").hasLineCount(1);

        JsonNode inspected = Command.run("inspect", "acme/tiny", "--json").json();
        assertThat(inspected.path("architecture").asString()).isEqualTo("llama");
        assertThat(inspected.path("model").asString()).isEqualTo("acme/tiny");
        Command byName = Command.run("eval", "acme/tiny@main", "--text", text, "--length", 32, "--json");
        assertThat(byName.code()).as(byName.err()).isZero();
        JsonNode byPath = Command.run("eval", model, "--text", text, "--length", 32, "--json")
                .json();
        assertThat(byName.json().path("perplexity").asDouble())
                .isEqualTo(byPath.path("perplexity").asDouble());
        assertThat(byName.json().path("provenance").path("inputs"))
                .isEqualTo(byPath.path("provenance").path("inputs"));

        Path out = directory.resolve("out");
        Command quantized = Command.run("quantize", "acme/tiny", "--recipe", "rtn-w4g16", "--out", out);
        assertThat(quantized.code()).as(quantized.err()).isZero();
        Command compared =
                Command.run("eval", out, "--reference", "acme/tiny", "--text", text, "--length", 32, "--json");
        assertThat(compared.json().path("kl").asDouble()).isPositive();
    }

    @Test
    void theDocumentSaysWhatWasFetched() {
        JsonNode first =
                Command.run("pull", "acme/tiny", "--json", "--parallel", 2).json();
        assertThat(first.path("schema").asInt()).isEqualTo(1);
        assertThat(first.path("model").asString()).isEqualTo("acme/tiny");
        assertThat(first.path("revision").asString()).isEqualTo("main");
        assertThat(first.path("commit").asString()).isEqualTo(HubServer.COMMIT);
        assertThat(Path.of(first.path("directory").asString()).resolve("config.json"))
                .exists();
        assertThat(first.path("seconds").isNumber()).isTrue();
        assertThat(first.path("files")).hasSize(3);
        for (JsonNode file : first.path("files")) {
            assertThat(file.path("downloaded_bytes").asLong())
                    .isEqualTo(file.path("bytes").asLong())
                    .isPositive();
            assertThat(file.has("sha256")).isNotEqualTo(file.has("git_sha1"));
        }
        for (JsonNode file : Command.run("pull", "acme/tiny", "--json").json().path("files")) {
            assertThat(file.path("downloaded_bytes").asLong()).isZero();
        }
    }

    @Test
    void aModelThatWasNotPulledIsRefusedWithTheWayToPullIt() {
        int requests = hub.requests().size();
        Command result = Command.run("inspect", "acme/tiny");
        assertThat(result.code()).isEqualTo(3);
        assertThat(result.err())
                .contains("HT-270 acme/tiny: no such file or directory")
                .contains("run: halftone pull acme/tiny")
                .hasLineCount(1);
        assertThat(hub.requests()).as("no command but pull asks the hub").hasSize(requests);
        Command.run("pull", "acme/tiny");
        assertThat(Command.run("inspect", "acme/tiny@v2").err())
                .contains("HT-272")
                .contains("halftone pull acme/tiny@v2");
        assertThat(Command.run("inspect", "acme").err()).contains("HT-231");
    }

    @Test
    void wrongPullsEndWithTheirExitCodes() {
        assertThat(Command.run("pull").code()).isEqualTo(2);
        assertThat(Command.run("pull", "acme/tiny", "--all", "--include", "*").code())
                .isEqualTo(2);
        assertThat(Command.run("pull", "no/such/name").err()).contains("HT-271").hasLineCount(1);
        assertThat(Command.run("pull", "acme/none").err()).contains("HT-273").hasLineCount(1);
        assertThat(Command.run("pull", "acme/tiny", "--include", "*.gguf", "--include", "*.bin")
                        .err())
                .contains("HT-281")
                .contains("*.gguf *.bin")
                .hasLineCount(1);
        Command result = Command.run("pull", "acme/tiny", "--parallel", 0);
        assertThat(result.err()).contains("HT-286").hasLineCount(1);
        assertThat(result.code()).isEqualTo(3);
        System.setProperty("halftone.HF_HUB_OFFLINE", "1");
        assertThat(Command.run("pull", "acme/tiny").err()).contains("HT-288");
    }
}
