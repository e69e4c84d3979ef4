package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class StudyCommandsTest {
    private static final String STUDY = """
            study: of the tests
            models: [tiny]
            recipes: [gptq-w3g16, rtn-w8g16, broken.yaml]
            calibration:
              samples: 4
              length: 24
              draws: 1
              sets: {words: {text: words.txt}, tokens: {source: tokens}}
            evaluate:
              - perplexity: {text: words.txt, length: 32, chunks: 6}
            """;

    @TempDir
    private Path directory = Path.of("");

    private Path write() throws IOException {
        TinyModel.write(directory.resolve("tiny"), 1, 0.3);
        Files.writeString(directory.resolve("words.txt"), TinyModel.text(400, 2));
        Files.writeString(
                directory.resolve("broken.yaml"), "steps:\n  - weights: {method: rtn, format: int3, group: 20}\n");
        return Files.writeString(directory.resolve("study.yaml"), STUDY);
    }

    @Test
    void aStudyAnswersKeepsWhatFailedAndIsReportedAndRecommendedFrom() throws IOException {
        Path file = write();
        Path out = directory.resolve("out");
        Command study = Command.run("study", file, "--out", out, "--json", "--export", "csv");
        // One recipe cannot be used: done, but not all of it.
        assertThat(study.code()).as(study.err()).isEqualTo(4);
        JsonNode document = study.json();
        assertThat(document.path("cells").asInt()).isEqualTo(6);
        assertThat(document.path("failures").get(0).path("error").asString()).contains("HT-431");
        assertThat(document.path("answer")).hasSize(3);
        assertThat(out.resolve("report.html")).content().contains("of the tests");
        assertThat(out.resolve("export/results.csv")).isNotEmptyFile();
        assertThat(study.err()).contains("drawing tiny words (1/2)", "6/6 ");

        Command again = Command.run("study", file, "--out", out);
        assertThat(again.out()).contains("6 cells: 0 computed, 6 kept, 1 failed");

        Command markdown = Command.run("report", out, "--format", "markdown", "--out", "-");
        assertThat(markdown.out())
                .contains("# of the tests", "## What to take", "| tiny | gptq-w3g16 |", "gptq-w3g16, rtn-w8g16");
        JsonNode report = Command.run("report", out, "--json").json();
        assertThat(report.path("methods").get(0).path("metric").asString()).isEqualTo("kl");
        assertThat(report.path("failed").asInt()).isEqualTo(1);
    }

    @Test
    void aBudgetNamesARecipeAndSaysWhyOthersLost() throws IOException {
        Path out = directory.resolve("out");
        Command.run("study", write(), "--out", out);
        Command text = Command.run("recommend", out, "--budget", "5bpw");
        assertThat(text.code()).as(text.err()).isZero();
        assertThat(text.out())
                .contains("tiny: take ", "over the budget: 9.500 bits per weight, 5.000 allowed", "not measured here");
        JsonNode all = Command.run("recommend", out, "--budget", "20", "--json").json();
        JsonNode of = all.path("recommendations").get(0);
        assertThat(of.path("chosen").path("recipe").asString()).isEqualTo("rtn-w8g16");
        assertThat(of.path("chosen").path("front").asBoolean()).isTrue();
        assertThat(of.path("others")).hasSize(2);
        assertThat(Command.run("recommend", out, "--budget", "20", "--metric", "ln_perplexity")
                        .out())
                .contains("ln perplexity on words, full precision");
        JsonNode engine = Command.run("recommend", out, "--budget", "20", "--for", "gguf", "--json")
                .json();
        assertThat(engine.path("recommendations").get(0).path("chosen").isNull())
                .isTrue();
        assertThat(engine.path("recommendations")
                        .get(0)
                        .path("others")
                        .get(0)
                        .path("why")
                        .asString())
                .contains("no block type of GGUF");
    }

    @Test
    void unknownValuesAndPlacesAreRefused() throws IOException {
        assertThat(Command.run("report", directory).err()).contains("HT-662");
        Path out = directory.resolve("out");
        Command.run("study", write(), "--out", out);
        assertThat(Command.run("recommend", out, "--budget", "few").err()).contains("HT-668", "few");
        assertThat(Command.run("recommend", out, "--budget", "4", "--for", "abacus")
                        .err())
                .contains("HT-668", "halftone, gguf, vllm");
        assertThat(Command.run("recommend", out, "--budget", "4", "--metric", "accuracy")
                        .err())
                .contains("HT-668");
        assertThat(Command.run("report", out, "--format", "pdf").err()).contains("HT-668");
        assertThat(Command.run("study", directory.resolve("study.yaml"), "--out", out, "--master", "spark://x:1")
                        .err())
                .contains("HT-665");
    }
}
