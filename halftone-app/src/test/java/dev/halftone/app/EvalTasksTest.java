package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EvalTasksTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int ITEMS = 40;

    @TempDir
    private Path directory = Path.of("");

    private Path model = Path.of("");
    private Path other = Path.of("");
    private Path choices = Path.of("");
    private Path clozes = Path.of("");
    private Path text = Path.of("");

    @BeforeEach
    void write() throws IOException {
        model = TinyModel.write(directory.resolve("tiny"), 1);
        other = TinyModel.write(directory.resolve("other"), 2);
        text = Files.writeString(directory.resolve("test.txt"), TinyModel.text(100, 3));
        choices = Files.write(
                directory.resolve("mine.jsonl"),
                IntStream.range(0, ITEMS)
                        .mapToObj(i -> "{\"context\": \"%s\", \"choices\": [\"w%d\", \"w%d w%d\"], \"gold\": %d}"
                                .formatted(TinyModel.text(5, i), i, i + 1, i + 2, i % 2))
                        .toList());
        clozes = Files.writeString(directory.resolve("words.txt"), "w1 w2 w3\nw4 w5 w6 w7\nw8 w9\n");
    }

    @Test
    void savedLogitsStandInForTheReferenceAndASecondModelIsPaired() {
        Path base = directory.resolve("base.logits");
        List<String> cut = List.of("--text", text.toString(), "--length", "16", "--json");
        Command saved = Command.run(with(cut, "eval", other, "--save-logits", base));
        assertThat(saved.code()).as(saved.err()).isZero();
        assertThat(saved.json().path("saved_logits").path("kl").asDouble()).isBetween(0.0, 1e-7);
        JsonNode byFile = Command.run(with(cut, "eval", model, "--reference", base, "--against", other))
                .json();
        JsonNode byModel =
                Command.run(with(cut, "eval", model, "--reference", other)).json();
        assertThat(byFile.path("kl").asDouble())
                .isCloseTo(byModel.path("kl").asDouble(), org.assertj.core.api.Assertions.within(1e-4));
        assertThat(byFile.path("reference_file").path("step").asDouble()).isBetween(1e-7, 1e-3);
        assertThat(byModel.path("reference_file").isNull()).isTrue();
        assertThat(byFile.path("flips_to_wrong")).isEqualTo(byModel.path("flips_to_wrong"));
        JsonNode against = byFile.path("against");
        assertThat(against.path("kl").asDouble()).isBetween(0.0, 1e-7);
        assertThat(against.path("log_perplexity_difference").asDouble())
                .isCloseTo(
                        byModel.path("log_perplexity_ratio").asDouble(), org.assertj.core.api.Assertions.within(1e-9));
        assertThat(against.path("kl_difference").asDouble())
                .isCloseTo(byFile.path("kl").asDouble(), org.assertj.core.api.Assertions.within(1e-6));

        Command withoutText = Command.run("eval", model, "--tasks", "custom:" + choices, "--against", other);
        assertThat(withoutText.code()).isEqualTo(2);
        Command tasksByFile = Command.run("eval", model, "--tasks", "custom:" + choices, "--reference", base);
        assertThat(tasksByFile.code()).isEqualTo(2);
        Command shorter = Command.run("eval", model, "--text", text, "--length", 8, "--reference", base);
        assertThat(shorter.code()).isEqualTo(3);
        assertThat(shorter.err()).contains("HT-609").contains("windows of 16 tokens");
    }

    @Test
    void tasksNeedNoTextAndPrintAccuraciesWithTheirErrors() {
        Command result = Command.run("eval", model, "--tasks", "custom:" + choices + ",lambada:" + clozes, "--json");
        assertThat(result.code()).as(result.err()).isZero();
        JsonNode document = result.json();
        assertThat(document.path("perplexity").isNull()).isTrue();
        assertThat(document.path("schema").asInt()).isEqualTo(1);
        JsonNode task = document.path("tasks").get(0);
        assertThat(task.path("name").asString()).isEqualTo("mine");
        assertThat(task.path("kind").asString()).isEqualTo("custom");
        assertThat(task.path("items").asInt()).isEqualTo(ITEMS);
        double acc = task.path("acc").asDouble();
        assertThat(acc).isBetween(0.0, 1.0);
        assertThat(task.path("acc_stderr").asDouble())
                .isCloseTo(Math.sqrt(acc * (1 - acc) / (ITEMS - 1)), org.assertj.core.api.Assertions.within(1e-9));
        for (String key : List.of("acc_norm", "acc_norm_stderr", "acc_bytes", "acc_bytes_stderr")) {
            assertThat(task.path(key).isNumber()).as(key).isTrue();
        }
        for (String key : List.of("reference_acc", "mcnemar_p", "perplexity")) {
            assertThat(task.path(key).isNull()).as(key).isTrue();
        }
        JsonNode cloze = document.path("tasks").get(1);
        assertThat(cloze.path("perplexity").asDouble()).isGreaterThan(1);
        assertThat(cloze.path("perplexity_stderr").asDouble()).isPositive();
        assertThat(cloze.path("acc_norm").isNull()).isTrue();
        assertThat(document.path("provenance").path("settings").has("task custom:mine.jsonl"))
                .isTrue();
    }

    @Test
    void aReferenceIsComparedItemByItem() throws IOException {
        Path log = directory.resolve("items.jsonl");
        Command result = Command.run(
                "eval",
                model,
                "--reference",
                other,
                "--tasks",
                "custom:" + choices,
                "--text",
                text,
                "--length",
                32,
                "--items",
                log,
                "--json");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.json().path("kl").asDouble()).isPositive();
        JsonNode task = result.json().path("tasks").get(0);
        int toWrong = task.path("flips_to_wrong").asInt();
        int toRight = task.path("flips_to_right").asInt();
        assertThat(toWrong + toRight).isPositive();
        double difference = task.path("acc_difference").asDouble();
        assertThat(difference).isEqualTo((toRight - toWrong) / (double) ITEMS);
        assertThat(task.path("acc").asDouble() - task.path("reference_acc").asDouble())
                .isCloseTo(difference, org.assertj.core.api.Assertions.within(1e-12));
        assertThat(task.path("acc_difference_stderr").asDouble()).isPositive();
        assertThat(task.path("mcnemar_p").asDouble()).isBetween(0.0, 1.0);

        List<JsonNode> lines =
                Files.readAllLines(log).stream().map(JSON::readTree).toList();
        assertThat(lines).hasSize(ITEMS);
        long right = lines.stream()
                .filter(line -> line.path("pick").asInt() == line.path("gold").asInt())
                .count();
        assertThat(task.path("acc").asDouble()).isEqualTo(right / (double) ITEMS);
        assertThat(lines.getFirst().path("log_likelihood")).hasSize(2);

        Command table = Command.run("eval", model, "--reference", other, "--tasks", "custom:" + choices);
        assertThat(table.out())
                .contains("task            mine (custom), 40 items")
                .contains("acc_norm")
                .contains(toWrong + " to wrong, " + toRight + " to right")
                .doesNotContain("perplexity");
    }

    @Test
    void aModelComparedWithItselfFlipsNothing() {
        JsonNode task = Command.run("eval", model, "--reference", model, "--tasks", "custom:" + choices, "--json")
                .json()
                .path("tasks")
                .get(0);
        assertThat(task.path("flips_to_wrong").asInt()).isZero();
        assertThat(task.path("flips_to_right").asInt()).isZero();
        assertThat(task.path("mcnemar_p").asDouble()).isEqualTo(1);
        assertThat(task.path("acc_difference").asDouble()).isZero();
    }

    @Test
    void neitherTextNorTasksAndWrongTasksAreRefused() throws IOException {
        assertThat(Command.run("eval", model)).satisfies(result -> {
            assertThat(result.code()).isEqualTo(2);
            assertThat(result.err()).contains("HT-010 one of --text and --tasks is missing");
        });
        assertThat(Command.run("eval", model, "--text", text, "--items", "x").code())
                .isEqualTo(2);
        refused("HT-610", "eval", model, "--tasks", "magic:" + choices);
        refused("HT-265", "eval", model, "--tasks", "piqa:" + directory.resolve("none"));
        Path empty = Files.writeString(directory.resolve("empty.jsonl"), "{\"context\": \"\", \"target\": \"w1\"}");
        refused("HT-618", "eval", model, "--tasks", "custom:" + empty);
        refused("HT-620", "eval", model, "--tasks", "custom:" + choices, "--items", directory);
    }

    private static void refused(String code, Object... arguments) {
        Command result = Command.run(arguments);
        assertThat(result.err()).as("%s", List.of(arguments)).contains(code).hasLineCount(1);
        assertThat(result.code()).isEqualTo(3);
        assertThat(result.out()).isEmpty();
    }

    private static Object[] with(List<String> more, Object... arguments) {
        return Stream.concat(Stream.of(arguments), more.stream()).toArray();
    }

    @Test
    void writtenAnswersAreCountedAndComparedWithAReferences() throws IOException {
        Path prompts = Files.write(
                directory.resolve("written.jsonl"),
                IntStream.range(0, 6)
                        .mapToObj(i -> "{\"prompt\": \"%s\", \"target\": \"w1\", \"max_tokens\": 5}"
                                .formatted(TinyModel.text(4, i)))
                        .toList());
        Path items = directory.resolve("items.jsonl");
        Command command = Command.run(
                "eval", model, "--tasks", "generate:" + prompts, "--reference", other, "--items", items, "--json");
        assertThat(command.code()).as(command.err()).isZero();
        JsonNode task = command.json().path("tasks").get(0);
        assertThat(task.path("acc").asDouble()).isBetween(0.0, 1.0);
        assertThat(task.path("same_answer").asDouble()).isLessThan(1);
        assertThat(task.path("agreed_tokens").asDouble()).isBetween(0.0, 5.0);
        assertThat(task.path("chrf").asDouble()).isBetween(0.0, 1.0);
        List<String> lines = Files.readAllLines(items);
        assertThat(lines).hasSize(6);
        JsonNode line = JSON.readTree(lines.getFirst());
        assertThat(line.path("answers").get(0).asString()).isNotEmpty();
        assertThat(line.path("reference_answers").size()).isEqualTo(1);
        JsonNode same = Command.run("eval", model, "--tasks", "generate:" + prompts, "--reference", model, "--json")
                .json();
        assertThat(same.path("tasks").get(0).path("same_answer").asDouble()).isEqualTo(1);
        assertThat(same.path("tasks").get(0).path("chrf").asDouble()).isEqualTo(1);
    }

    @Test
    void aDialogueNeedsSomethingToCompareItWith() throws IOException {
        Path chat = Files.writeString(directory.resolve("chat.jsonl"), "{\"turns\": [\"w1\", \"w2\"]}\n");
        Command alone = Command.run("eval", model, "--tasks", "dialogue:" + chat);
        assertThat(alone.code()).isEqualTo(2);
        assertThat(alone.err()).contains("--reference");
    }

    @Test
    void whatCannotBeMadeIsRefusedBeforeTheModelIsOpened() {
        Command command = Command.run("eval", directory.resolve("none"), "--tasks", "lines(rows=3)");
        assertThat(command.code()).isEqualTo(3);
        assertThat(command.err()).contains("HT-313");
    }
}
