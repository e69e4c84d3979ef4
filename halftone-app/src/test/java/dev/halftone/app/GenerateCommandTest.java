package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class GenerateCommandTest {
    @TempDir
    private Path directory = Path.of("");

    private Path model = Path.of("");

    @BeforeEach
    void write() throws IOException {
        model = TinyModel.write(directory.resolve("tiny"), 1, 0.4);
    }

    @Test
    void theTextIsStreamedAndTheDocumentHoldsTheSame() {
        Command text = Command.run("generate", model, "--prompt", "w1 w2 w3", "-n", 9, "--seed", 4);
        assertThat(text.code()).as(text.err()).isZero();
        assertThat(text.err()).contains("3 tokens read").contains("9 tokens").contains("tokens/s; packed, ");
        Command document =
                Command.run("generate", model, "--prompt", "w1 w2 w3", "-n", 9, "--seed", 4, "--logprobs", 2, "--json");
        JsonNode json = document.json();
        assertThat(text.out()).isEqualTo(json.path("text").asString() + System.lineSeparator());
        assertThat(json.path("tokens").asInt()).isEqualTo(9);
        assertThat(json.path("prompt_tokens").asInt()).isEqualTo(3);
        assertThat(json.path("finish_reason").asString()).isEqualTo("length");
        assertThat(json.path("logprobs")).hasSize(9);
        assertThat(json.path("logprobs").get(0).path("top")).hasSize(2);
        assertThat(json.path("provenance").path("settings").path("sampling").asString())
                .contains("seed=4");
        Command other = Command.run("generate", model, "--prompt", "w1 w2 w3", "-n", 9, "--seed", 5, "--threads", 1);
        assertThat(other.out()).isNotEqualTo(text.out());
        Command again = Command.run("generate", model, "--prompt", "w1 w2 w3", "-n", 9, "--seed", 4, "--threads", 1);
        assertThat(again.out()).isEqualTo(text.out());
        Command floats =
                Command.run("generate", model, "--prompt", "w1 w2 w3", "-n", 9, "--seed", 4, "--engine", "float");
        assertThat(floats.err()).contains("tokens/s; float (libtorch");
    }

    @Test
    void greedyTextIsTheOneThatTasksAreAnsweredWith() throws IOException {
        Path task = Files.writeString(
                directory.resolve("task.jsonl"), "{\"prompt\": \"w5 w6\", \"target\": \"w1\", \"max_tokens\": 7}\n");
        Path items = directory.resolve("items.jsonl");
        Command eval = Command.run("eval", model, "--tasks", "generate:" + task, "--items", items);
        assertThat(eval.code()).as(eval.err()).isZero();
        String answer = JsonMapper.shared()
                .readTree(Files.readString(items))
                .path("answers")
                .get(0)
                .asString();
        Command greedy = Command.run("generate", model, "--prompt", "w5 w6", "-n", 7, "--temperature", 0);
        assertThat(greedy.out().strip()).isEqualTo(answer.strip());
        Command echo = Command.run("generate", model, "--prompt", "w5 w6", "-n", 7, "--temperature", 0, "--echo");
        assertThat(echo.out()).startsWith("w5 w6").endsWith(greedy.out());
    }

    @Test
    void chatsGoThroughTheModelsTemplate() throws IOException {
        Files.writeString(
                model.resolve("tokenizer_config.json"),
                "{\"chat_template\": \"{% for m in messages %}{% if m.role == 'system' %}w9 {% endif %}{{ m.content }} {% endfor %}\"}");
        Command chat = Command.run(
                "generate", model, "--chat", "w1", "--chat", "w2", "--chat", "w3", "--system", "w4", "-n", 5, "--json");
        assertThat(chat.code()).as(chat.err()).isZero();
        Command plain = Command.run("generate", model, "--prompt", "w9 w4 w1 w2 w3", "-n", 5, "--json");
        assertThat(chat.json().path("text")).isEqualTo(plain.json().path("text"));
    }

    @Test
    void wrongWordsAreOneLine() {
        refused(2, "HT-010", "generate", model);
        refused(2, "HT-010", "generate", model, "--prompt", "w1", "--chat", "w1");
        refused(2, "HT-010", "generate", model, "--prompt", "w1", "--system", "w1");
        refused(3, "HT-933", "generate", model, "--chat", "w1");
        refused(3, "HT-942", "generate", model, "--chat", "w1", "--chat", "w2");
        refused(3, "HT-942", "generate", model, "--prompt", "w1", "-n", 0);
        refused(3, "HT-931", "generate", model, "--prompt", "w1", "--top-p", 2);
        refused(3, "HT-936", "generate", model, "--prompt", "w1", "--engine", "warp");
        refused(3, "HT-938", "generate", model, "--prompt", "w1", "--context", 65);
        refused(3, "HT-939", "generate", model, "--prompt", "");
        refused(3, "HT-941", "generate", model, "--prompt", "w1 ".repeat(70));
        refused(3, "HT-964", "serve", model, "--port", 70_000);
    }

    private static void refused(int exit, String code, Object... arguments) {
        Command result = Command.run(arguments);
        assertThat(result.err())
                .as("%s", java.util.List.of(arguments))
                .contains(code)
                .hasLineCount(1);
        assertThat(result.code()).isEqualTo(exit);
        assertThat(result.out()).isEmpty();
    }
}
