package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class ReproduceCommandTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void aClaimIsRunJudgedAndNotRunTwice() throws IOException {
        Path model = TinyModel.write(directory.resolve("tiny"), 1);
        Path calibration = Files.writeString(directory.resolve("calibration.txt"), TinyModel.text(600, 2));
        Path text = Files.writeString(directory.resolve("text.txt"), TinyModel.text(300, 3));
        Path out = directory.resolve("out");
        Object[] words = {
            "reproduce",
            "smoothquant",
            "--model",
            model,
            "--model",
            model + "+outliers(g=32,channels=2)",
            "--calibration",
            calibration,
            "--text",
            text,
            "--samples",
            8,
            "--length",
            32,
            "--out",
            out,
            "--json"
        };
        Command first = Command.run(words);
        assertThat(first.code()).as(first.err()).isZero();
        JsonNode document = first.json();
        assertThat(document.path("paper").asString()).isEqualTo("arXiv:2211.10438");
        assertThat(document.path("cases")).hasSize(10);
        assertThat(document.path("findings")).hasSize(2 + 2 * 4);
        JsonNode invariance = document.path("findings").get(5);
        assertThat(invariance.path("statement").asString()).endsWith("without the injection");
        assertThat(invariance.path("holds").asBoolean()).isTrue();
        JsonNode naive = document.path("cases").get(5);
        assertThat(naive.path("label").asString()).isEqualTo("naive");
        assertThat(naive.path("kl").asDouble())
                .isGreaterThan(document.path("cases").get(0).path("kl").asDouble());
        assertThat(first.err()).contains("1/10 ", "10/10 ");
        long made = Files.getLastModifiedTime(out).toMillis();
        Command second = Command.run(words);
        assertThat(second.json().path("cases")).isEqualTo(document.path("cases"));
        assertThat(Files.getLastModifiedTime(out).toMillis()).isEqualTo(made);
    }

    @Test
    void anExperimentIsRunOnAModelAndPlotted() throws IOException {
        Path model = TinyModel.write(directory.resolve("tiny"), 1);
        Path text = Files.writeString(directory.resolve("text.txt"), TinyModel.text(400, 2));
        Path page = directory.resolve("page.html");
        Command command = Command.run(
                "reproduce",
                "int-vs-fp",
                "--model",
                model,
                "--calibration",
                text,
                "--samples",
                2,
                "--length",
                32,
                "--html",
                page,
                "--json");
        assertThat(command.code()).as(command.err()).isZero();
        JsonNode document = command.json();
        assertThat(document.path("measurements").path("curves")).hasSize(4);
        assertThat(document.path("measurements").path("data").size()).isGreaterThan(10);
        assertThat(document.path("measurements")
                        .path("data")
                        .get(2)
                        .path("source")
                        .asString())
                .isEqualTo(model.toString());
        assertThat(document.path("findings")).hasSize(8 + 9 + 9 + 2);
        assertThat(Files.readString(page)).contains("<svg", "mxint8", "holds: ");
    }

    @Test
    void aPageIsRefusedWhereThereAreNoPlots() {
        Command command = Command.run("reproduce", "gptq", "--calibration", "x", "--html", directory.resolve("p.html"));
        assertThat(command.code()).isEqualTo(3);
        assertThat(command.err()).contains("HT-651 --html: gptq has no plots");
    }

    @Test
    void optionsThatAClaimDoesNotReadAreRefused() {
        Command length = Command.run("reproduce", "calibration-study", "--length", 128);
        assertThat(length.code()).isEqualTo(2);
        assertThat(length.err()).contains("studies/reproduce-calibration.yaml", "--samples, --draws and --chunks");
        assertThat(Command.run("reproduce", "gptq", "--draws", 2).err())
                .contains("--draws is of claims that take a study");
        assertThat(Command.run("reproduce", "llm-qbench", "--draws", -2).err()).contains("HT-668", "-2 draws");
    }

    @Test
    void anUnknownClaimIsRefusedWithTheKnownOnes() {
        Command command = Command.run("reproduce", "perpetuum-mobile");
        assertThat(command.code()).isEqualTo(3);
        assertThat(command.err())
                .contains(
                        "HT-650",
                        "adadim, adpq, awq, dmmv, gobo, gptq, gwq, int-vs-fp, quantease, signround, smoothquant, spqr");
    }
}
