package dev.halftone.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HubEnvironmentTest {
    @TempDir
    private Path home = Path.of("");

    private HubEnvironment with(Map<String, String> variables) {
        return new HubEnvironment(variables, home);
    }

    @Test
    void theCacheIsWhereTheHubsOwnToolsHaveIt() {
        assertThat(with(Map.of()).cache()).isEqualTo(home.resolve(".cache/huggingface/hub"));
        assertThat(with(Map.of("XDG_CACHE_HOME", "/x")).cache()).isEqualTo(Path.of("/x/huggingface/hub"));
        assertThat(with(Map.of("HF_HOME", "/h", "XDG_CACHE_HOME", "/x")).cache())
                .isEqualTo(Path.of("/h/hub"));
        assertThat(with(Map.of("HF_HOME", "~/h")).cache()).isEqualTo(home.resolve("h/hub"));
        assertThat(with(Map.of("HF_HUB_CACHE", "/c", "HF_HOME", "/h")).cache()).isEqualTo(Path.of("/c"));
        assertThat(with(Map.of("HF_HOME", " ")).cache()).isEqualTo(home.resolve(".cache/huggingface/hub"));
    }

    @Test
    void theTokenComesFromTheVariableElseFromTheFile() throws IOException {
        assertThat(with(Map.of()).token()).isNull();
        Path file = home.resolve(".cache/huggingface/token");
        Files.createDirectories(file.getParent());
        Files.writeString(file, "hf_file\n");
        assertThat(with(Map.of()).token()).isEqualTo("hf_file");
        assertThat(with(Map.of("HF_TOKEN", "hf_variable")).token()).isEqualTo("hf_variable");
        Path other = Files.writeString(home.resolve("other"), "hf_other");
        assertThat(with(Map.of("HF_TOKEN_PATH", other.toString())).token()).isEqualTo("hf_other");
        assertThatThrownBy(() -> with(Map.of("HF_TOKEN", "two words")).token())
                .hasMessageStartingWith("HT-276 ")
                .message()
                .doesNotContain("two words");
    }

    @Test
    void theEndpointMustBeAnAddress() {
        assertThat(with(Map.of()).endpoint()).isEqualTo(URI.create(HubEnvironment.DEFAULT_ENDPOINT));
        assertThat(with(Map.of("HF_ENDPOINT", "http://127.0.0.1:8080/")).endpoint())
                .isEqualTo(URI.create("http://127.0.0.1:8080"));
        for (String bad : List.of("hub", "ftp://127.0.0.1", "http://", "http://a b", "file:///x")) {
            assertThatThrownBy(() -> with(Map.of("HF_ENDPOINT", bad)).endpoint())
                    .as(bad)
                    .hasMessageStartingWith("HT-287 ");
        }
    }

    @Test
    void offlineMeansNoDownload() {
        assertThatThrownBy(() -> HubDownload.from(with(Map.of("HF_HUB_OFFLINE", "1"))))
                .hasMessageStartingWith("HT-288 ");
        assertThat(with(Map.of("HF_HUB_OFFLINE", "0")).offline()).isFalse();
    }

    @Test
    void namesAreTheHubsOwn() {
        assertThat(HubId.parse("HuggingFaceTB/SmolLM2-135M").folder()).isEqualTo("models--HuggingFaceTB--SmolLM2-135M");
        assertThat(HubId.parse("gpt2").folder()).isEqualTo("models--gpt2");
        assertThat(HubId.parse("a/b@refs/pr/1").revision()).isEqualTo("refs/pr/1");
        assertThat(HubId.parse("a/b").toString()).isEqualTo("a/b");
        assertThat(HubId.parse("a/b@v1.0").toString()).isEqualTo("a/b@v1.0");
        for (String bad : List.of(
                "",
                "/",
                "a/",
                "/b",
                "a/b/c",
                "../b",
                "a/..",
                "a/b@",
                "a/b@../x",
                "a/b@x/..",
                "a/b@/x",
                "a--b/c",
                "a/b.git",
                "a b/c",
                "a/b@x y",
                "zoo:tiny",
                "a\\b",
                ".a/b",
                "a/b-",
                "a/b@-x",
                "a/b\n")) {
            assertThatThrownBy(() -> HubId.parse(bad)).as(bad).hasMessageStartingWith("HT-271 ");
        }
    }
}
