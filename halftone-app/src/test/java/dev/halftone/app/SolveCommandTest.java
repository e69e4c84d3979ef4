package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class SolveCommandTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void aFilterIsDesignedPrintedAndDrawn() throws IOException {
        Path page = directory.resolve("filter.html");
        Command text = Command.run(
                "solve", "fir", "--order", 12, "--bits", 4, "--pass", "0:0.4", "--stop", "4/7:1", "--html", page);
        assertThat(text.code()).as(text.err()).isZero();
        assertThat(text.out())
                .contains("order 12, 4 bits, 7 taps, 192 grid points")
                .contains("rounded       0.264862")
                .contains("amvm          0.207104")
                .contains("times 8: 0 0 0 -1 0 3 4");
        assertThat(Files.readString(page)).contains("<svg").contains("amvm").contains("0.207104");
    }

    @Test
    void theDocumentOfAFilterHasEveryDesignAndIsTheSameEachTime() {
        ObjectNode json = Command.run("solve", "fir", "--milp", 60, "--json").json();
        JsonNode designs = json.get("designs");
        assertThat(designs).hasSize(4);
        JsonNode exact = designs.get(3);
        assertThat(exact.get("method").asString()).isEqualTo("milp");
        assertThat(exact.get("proven").asBoolean()).isTrue();
        assertThat(designs.get(2).get("ripple").asDouble())
                .isCloseTo(exact.get("ripple").asDouble(), within(1e-12));
        assertThat(designs.get(2).get("dense_ripple").asDouble()).isGreaterThan(0.207);
        ObjectNode again = Command.run("solve", "fir", "--json").json();
        assertThat(again.get("designs").get(2).get("integers"))
                .isEqualTo(designs.get(2).get("integers"));
    }

    private static Command image(Object... more) {
        List<Object> words = new ArrayList<>(
                List.of("solve", "tomography", "--phantom", "bars", "--size", 16, "--angles", 20, "--noise", 100));
        words.addAll(List.of(more));
        return Command.run(words.toArray());
    }

    @Test
    void anImageIsFoundPrintedAndDrawn() throws IOException {
        Path page = directory.resolve("image.html");
        Command text = image("--html", page);
        assertThat(text.code()).as(text.err()).isZero();
        assertThat(text.out())
                .contains("bars, 16 x 16 pixels from 320 rays at 20 angles")
                .contains("amvm");
        assertThat(Files.readString(page))
                .contains("data:image/png;base64")
                .contains("phantom")
                .contains("amvm, MAE 0.00");
        ObjectNode json = image("--json").json();
        JsonNode amvm = json.get("attempts").get(5);
        assertThat(amvm.get("method").asString()).isEqualTo("amvm");
        assertThat(amvm.get("wrong_pixels").asInt()).isZero();
        assertThat(amvm.get("max_residual").asDouble()).isLessThanOrEqualTo(100);
    }

    @Test
    void wrongQuestionsGetOneLine() {
        assertThat(Command.run("solve").code()).isEqualTo(2);
        Command band = Command.run("solve", "fir", "--pass", "0-0.4", "--stop", "0.5:1");
        assertThat(band.code()).isEqualTo(3);
        assertThat(band.err()).contains("HT-762 --pass: is \"0-0.4\"; expected LOW:HIGH");
        assertThat(Command.run("solve", "fir", "--order", 11).err()).contains("HT-762 order");
        assertThat(Command.run("solve", "fir", "--iterations", -1).err()).contains("HT-761");
        Command page = Command.run("solve", "fir", "--html", directory.resolve("none/page.html"));
        assertThat(page.code()).isEqualTo(5);
        assertThat(page.err()).contains("HT-764");
        assertThat(Command.run("solve", "tomography", "--size", 4).err()).contains("HT-762 size");
        assertThat(Command.run("solve", "tomography", "--phantom", "cat").code())
                .isEqualTo(2);
    }
}
