package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class OutliersCommandTest {
    @TempDir
    private Path directory = Path.of("");

    private Path model = Path.of("");
    private Path text = Path.of("");

    @BeforeEach
    void write() throws IOException {
        model = TinyModel.write(directory.resolve("tiny"), 1);
        text = Files.writeString(directory.resolve("calibration.txt"), TinyModel.text(600, 2));
    }

    @Test
    void theDocumentHasEverySiteTwiceAndTheSameBytesForAnyNumberOfThreads() throws IOException {
        Path one = directory.resolve("one.html");
        Path two = directory.resolve("two.html");
        ObjectNode json = outliers("--samples", 6, "--length", 32, "--json", "--threads", 1, "--html", one)
                .json();
        assertThat(json.path("schema").asInt()).isEqualTo(1);
        assertThat(json.path("sequences").asInt()).isEqualTo(6);
        assertThat(json.path("tokens").asInt()).isEqualTo(192);
        assertThat(json.path("sites")).hasSize(20);
        for (JsonNode site : json.path("sites")) {
            for (String part : List.of("all", "without_first", "first")) {
                for (String key : List.of(
                        "kurtosis",
                        "max_to_median",
                        "crest_db",
                        "six_sigma_share",
                        "channel_spread",
                        "token_kurtosis",
                        "not_finite")) {
                    assertThat(site.path(part).path(key).isNumber())
                            .as("%s %s", part, key)
                            .isTrue();
                }
                assertThat(site.path(part).path("top_channels").isEmpty()).isFalse();
            }
            assertThat(site.path("all").path("tokens").asInt()).isEqualTo(192);
            assertThat(site.path("without_first").path("tokens").asInt()).isEqualTo(186);
        }
        assertThat(json.path("weights")).hasSize(14);
        assertThat(json.path("massive_activations")).hasSize(2);
        assertThat(json.path("massive_activations")
                        .get(0)
                        .path("values")
                        .get(0)
                        .path("text")
                        .asString())
                .startsWith("w");
        assertThat(json.path("attention_sinks").get(1).path("alpha")).hasSize(8);
        assertThat(json.path("provenance").path("inputs").has("calibration.txt"))
                .isTrue();

        ObjectNode again = outliers("--samples", 6, "--length", 32, "--json", "--threads", 2, "--html", two)
                .json();
        for (ObjectNode document : List.of(json, again)) {
            document.remove(List.of("seconds", "peak_memory_bytes"));
        }
        assertThat(again).isEqualTo(json);
        assertThat(Files.mismatch(one, two)).isEqualTo(-1);
        assertThat(Files.readString(one)).contains("Residual", "block by position", "data:image/png");
    }

    @Test
    void theTableNamesEverySiteAndSaysWhatItMeans() {
        assertThat(outliers("--samples", 4, "--length", 16).out())
                .contains("0 attention input", "1 residual", "top channels", "outlier-free in")
                .contains(
                        "massive activations",
                        "outlier tokens",
                        "LLM.int8 outlier channels",
                        "attention sinks",
                        "weights: kurtosis");
    }

    @Test
    void aQuantizedModelIsLookedAtAsItIsStored() {
        Path out = directory.resolve("packed");
        assertThat(Command.run("quantize", model, "--recipe", "rtn-w2g16", "--out", out)
                        .code())
                .isZero();
        ObjectNode plain = outliers("--samples", 2, "--length", 16, "--json").json();
        Command packed = Command.run(
                "outliers", out, "--calibration", text, "--samples", 2, "--length", 16, "--json", "--dtype", "bf16");
        assertThat(packed.code()).as(packed.err()).isZero();
        assertThat(packed.json().path("weights").get(0).path("kurtosis"))
                .isNotEqualTo(plain.path("weights").get(0).path("kurtosis"));
        assertThat(packed.json().path("sites")).hasSize(20);
    }

    @Test
    void savedStatisticsAreAddedUpAndTwiceIsRefused() {
        Path save = directory.resolve("a.stats");
        outliers("--samples", 4, "--length", 16, "--save", save);
        Command merged = Command.run(
                "outliers",
                model,
                "--calibration-source",
                "tokens",
                "--samples",
                3,
                "--length",
                16,
                "--merge",
                save,
                "--json");
        assertThat(merged.code()).as(merged.err()).isZero();
        assertThat(merged.json().path("tokens").asInt()).isEqualTo(7 * 16);
        assertThat(merged.json().path("sets")).hasSize(2);
        Command alone = Command.run("outliers", model, "--merge", save, "--json");
        assertThat(alone.code()).as(alone.err()).isZero();
        assertThat(alone.json().path("tokens").asInt()).isEqualTo(4 * 16);
        assertThat(alone.json().path("calibration").isNull()).isTrue();
        assertThat(Command.run("outliers", model, "--merge", save, "--merge", save)
                        .err())
                .contains("HT-642");
    }

    @Test
    void whatCannotBeDoneIsSaidBeforeTheWork() throws IOException {
        Command nothing = Command.run("outliers", model);
        assertThat(nothing.code()).isEqualTo(3);
        assertThat(nothing.err()).contains("HT-644");
        Command nowhere = outliers("--html", directory.resolve("no").resolve("a.html"));
        assertThat(nowhere.code()).isEqualTo(5);
        assertThat(nowhere.err()).contains("HT-643");
        Path save = directory.resolve("a.stats");
        outliers("--samples", 2, "--length", 16, "--save", save);
        Path other = TinyModel.write(directory.resolve("other"), 2);
        assertThat(Command.run("outliers", other, "--merge", save).err()).contains("HT-641");
    }

    private Command outliers(Object... options) {
        Object[] all = new Object[options.length + 4];
        System.arraycopy(new Object[] {"outliers", model, "--calibration", text}, 0, all, 0, 4);
        System.arraycopy(options, 0, all, 4, options.length);
        return Command.run(all);
    }
}
