package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class MainTest {
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    private Path directory = Path.of("");

    private Path model = Path.of("");
    private Path calibration = Path.of("");
    private Path text = Path.of("");

    @BeforeEach
    void write() throws IOException {
        model = TinyModel.write(directory.resolve("tiny"), 1);
        calibration = Files.writeString(directory.resolve("calibration.txt"), TinyModel.text(600, 2));
        text = Files.writeString(directory.resolve("test.txt"), TinyModel.text(300, 3));
    }

    @Test
    void theMainJobRunsFromInspectToEval() {
        JsonNode inspected = Command.run("inspect", model, "--json").json();
        assertThat(inspected.path("architecture").asString()).isEqualTo("llama");
        assertThat(inspected.path("parameters").asLong()).isPositive();
        assertThat(inspected.path("sites")).hasSize(14);
        assertThat(inspected.path("findings")).isEmpty();

        Path out = directory.resolve("out");
        Command quantized = Command.run(
                "quantize",
                model,
                "--recipe",
                "gptq-w3g16",
                "--calibration",
                calibration,
                "--samples",
                16,
                "--length",
                32,
                "--out",
                out,
                "--json");
        assertThat(quantized.code()).as(quantized.err()).isZero();
        JsonNode evidence = quantized.json();
        assertThat(evidence.path("schema").asInt()).isEqualTo(1);
        for (String phase :
                List.of("load", "forward", "statistics", "transform", "solve", "evidence", "pack", "save")) {
            assertThat(evidence.path("phases").path(phase).isNumber()).as(phase).isTrue();
        }
        JsonNode site = evidence.path("sites").get(0);
        for (String key : List.of(
                "name",
                "method",
                "format",
                "bits_per_weight",
                "proxy_loss",
                "rtn_loss",
                "tokens",
                "codes_changed",
                "events")) {
            assertThat(site.has(key)).as(key).isTrue();
        }
        assertThat(evidence.path("provenance").path("settings").path("recipe").asString())
                .isEqualTo("gptq-w3g16");
        Command again = Command.run("quantize", model, "--recipe", "gptq-w3g16", "--out", out, "--resume", "--json");
        assertThat(again.code()).isZero();
        assertThat(again.err()).contains("is finished");
        assertThat(again.json().path("sites")).isEqualTo(evidence.path("sites"));

        Command evaluated = Command.run("eval", out, "--reference", model, "--text", text, "--length", 32, "--json");
        assertThat(evaluated.code()).as(evaluated.err()).isZero();
        for (String key :
                List.of("perplexity", "perplexity_stderr", "kl", "kl_stderr", "same_top", "same_top_stderr")) {
            assertThat(evaluated.json().path(key).isNumber()).as(key).isTrue();
        }
        assertThat(evaluated.json().path("kl").asDouble()).isPositive();
        assertThat(Command.run("inspect", out).out())
                .contains("int3 g16 asymmetric")
                .contains("all values are finite");
        assertThat(Command.run("eval", out, "--text", text, "--length", 32, "--windows", "llamacpp", "--dtype", "bf16")
                        .out())
                .contains("perplexity")
                .contains("bf16")
                .doesNotContain("KL");
    }

    @Test
    void aSourceWithoutAFileCalibratesAndTheEvidenceSaysWhatItWas() throws IOException {
        TinyModel.withCharacters(model);
        Path out = directory.resolve("punctuation");
        Command quantized = Command.run(
                "quantize",
                model,
                "--recipe",
                "gptq-w3g16",
                "--calibration-source",
                "punctuation",
                "--samples",
                16,
                "--length",
                32,
                "--seed",
                5,
                "--out",
                out,
                "--json");
        assertThat(quantized.code()).as(quantized.err()).isZero();
        assertThat(quantized.json().path("sites")).hasSize(14);
        JsonNode set = quantized.json().path("calibration");
        assertThat(set.path("source").asString()).isEqualTo("punctuation");
        assertThat(set.path("samples").asInt()).isEqualTo(16);
        assertThat(set.path("length").asInt()).isEqualTo(32);
        assertThat(set.path("seed").asInt()).isEqualTo(5);
        assertThat(set.path("bos").asBoolean(true)).isFalse();
        assertThat(set.path("sha256").asString()).matches("[0-9a-f]{64}");
        assertThat(set.path("tokens").asInt()).isEqualTo(512);
        assertThat(set.path("distinct_tokens").asInt()).isEqualTo(32);
        assertThat(set.path("entropy_bits").asDouble()).isBetween(4.8, 5.0);
        assertThat(JSON.readTree(Files.readString(out.resolve("halftone.json"))).path("calibration"))
                .isEqualTo(set);
    }

    @Test
    void aCalibrationWithFewerSequencesThanAskedForIsReported() throws IOException {
        Path recipe = Files.writeString(directory.resolve("pack.yaml"), """
                calibration: {mode: pack, samples: 50, length: 16}
                steps:
                  - weights: {method: gptq, format: int4, group: 16}
                """);
        Path documents = Files.writeString(
                directory.resolve("documents.jsonl"), ("{\"text\": \"" + TinyModel.text(7, 4) + "\"}\n").repeat(9));
        Path out = directory.resolve("packed");
        Command quantized =
                Command.run("quantize", model, "--recipe", recipe, "--calibration", documents, "--out", out, "--json");
        assertThat(quantized.code()).isZero();
        assertThat(quantized.err()).contains("halftone: the calibration has 3 sequences; 50 were asked for");
        assertThat(quantized.json().path("calibration").path("mode").asString()).isEqualTo("pack");
        assertThat(quantized.json().path("calibration").path("requested").asInt())
                .isEqualTo(50);
    }

    @Test
    void wrongUsageExitsWithTwo() {
        assertThat(Command.run("quantize", model)).satisfies(result -> {
            assertThat(result.code()).isEqualTo(2);
            assertThat(result.err())
                    .startsWith("halftone: HT-010 Missing required option")
                    .contains("--help")
                    .hasLineCount(1);
        });
        assertThat(Command.run("bake").code()).isEqualTo(2);
        assertThat(Command.run().code()).isEqualTo(2);
    }

    @Test
    void badInputExitsWithThreeOneLineAndNothingWritten() throws IOException {
        Path out = directory.resolve("never");
        Path empty = Files.writeString(directory.resolve("empty.txt"), "");
        refused("HT-231", "inspect", directory.resolve("nowhere"));
        refused("HT-232", "inspect", text);
        refused("HT-422", "quantize", model, "--recipe", "magic-w4", "--out", out);
        refused("HT-431", "quantize", model, "--recipe", "rtn-w4g64", "--out", out);
        refused("HT-433", "quantize", model, "--recipe", "gptq-w4g16", "--out", out);
        refused("HT-411", "quantize", model, "--recipe", "gptq-w4g16", "--calibration", calibration, "--out", out);
        Object[] noise = {"quantize", model, "--recipe", "gptq-w4g16", "--out", out, "--calibration-source", "noise"};
        refused("HT-440", noise);
        noise[7] = "task";
        refused("HT-441", noise);
        noise[7] = "punctuation";
        refused("HT-446", noise);
        refused("HT-266", "quantize", model, "--recipe", "gptq-w4g16", "--calibration", empty, "--out", out);
        refused("HT-265", "eval", model, "--text", directory.resolve("none.txt"));
        refused("HT-602", "eval", model, "--text", text, "--length", 4096);
        refused("HT-601", "eval", model, "--text", text, "--windows", "all");
        refused("HT-011", "eval", model, "--text", text, "--threads", 0);
        assertThat(out).doesNotExist();
        try (Stream<Path> left = Files.list(directory)) {
            assertThat(left.filter(path -> path.getFileName().toString().startsWith(".")))
                    .isEmpty();
        }
    }

    @Test
    void aDamagedModelIsRefusedBeforeAnyWork() throws IOException {
        Path config = model.resolve("config.json");
        String original = Files.readString(config);
        Files.writeString(config, original.replace("\"llama\"", "\"mystery\""));
        assertThat(refused("HT-301", "inspect", model))
                .contains("model_type is \"mystery\"", "known are bert, bloom, chatglm", "most like those of llama")
                .contains("docs/adding-a-family.md");
        Files.writeString(config, original.replace("\"hidden_size\" : 32", "\"hidden_size\" : 64"));
        refused("HT-304", "inspect", model);
        Files.writeString(config, original.replace("\"intermediate_size\" : 48,", ""));
        refused("HT-302", "inspect", model);
        Files.writeString(config, original);

        Path weights = model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        byte[] broken = bytes.clone();
        for (int i = 1; i <= 4; i++) {
            broken[broken.length - i] = (byte) 0xff;
        }
        replace(weights, broken);
        refused("HT-212", "inspect", model);
        refused("HT-212", "quantize", model, "--recipe", "rtn-w4g16", "--out", directory.resolve("never"));
        replace(weights, java.util.Arrays.copyOf(bytes, bytes.length - 100));
        refused("HT-217", "inspect", model);
        Files.delete(weights);
        refused("HT-235", "inspect", model);
    }

    @Test
    void theOutputIsCheckedBeforeTheCalibration() throws IOException {
        Path taken = Files.createDirectory(directory.resolve("taken"));
        Files.writeString(taken.resolve("notes.txt"), "mine");
        // This calibration cannot be drawn (HT-446): that HT-434 is reported shows what is looked at first.
        Object[] quantize = {
            "quantize", model, "--recipe", "gptq-w4g16", "--calibration-source", "punctuation", "--out", taken
        };
        refused("HT-434", quantize);
        quantize[7] = text;
        refused("HT-434", quantize);
        quantize[7] = text.resolve("below/a/file");
        refused("HT-434", quantize);
        assertThat(taken.resolve("notes.txt")).hasContent("mine");
        quantize[3] = "gptq-w4g64";
        quantize[7] = directory.resolve("never");
        refused("HT-431", quantize);
        assertThat(directory.resolve("never")).doesNotExist();
    }

    @Test
    void damagedHeadersTokenizersAndTextsAreRefusedAndNothingIsWritten() throws IOException {
        Path weights = model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        byte[] huge = bytes.clone();
        // 100 GB as the length of the header, little-endian in its first 8 bytes.
        ByteBuffer.wrap(huge).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 100_000_000_000L);
        replace(weights, huge);
        refusedEverywhere("HT-201");
        replace(weights, java.util.Arrays.copyOf(bytes, 5));
        refusedEverywhere("HT-200");
        replace(weights, java.util.Arrays.copyOf(bytes, 40));
        refusedEverywhere("HT-202");
        String latin = new String(bytes, StandardCharsets.ISO_8859_1);
        int offsets = latin.lastIndexOf("\"data_offsets\":[") + 16;
        byte[] moved = bytes.clone();
        moved[offsets] = (byte) (moved[offsets] == '1' ? '2' : '1');
        replace(weights, moved);
        refusedEverywhere("HT-21");
        replace(weights, bytes);

        Files.delete(weights);
        Files.writeString(
                model.resolve("model.safetensors.index.json"),
                "{\"weight_map\": {\"model.norm.weight\": \"model-00001-of-00002.safetensors\"}}");
        refusedEverywhere("HT-237");
        Files.delete(model.resolve("model.safetensors.index.json"));
        replace(weights, bytes);

        Files.delete(model.resolve("tokenizer.json"));
        Path never = directory.resolve("never");
        refused("HT-250", "quantize", model, "--recipe", "gptq-w4g16", "--calibration", calibration, "--out", never);
        refused("HT-250", "eval", model, "--text", text);
        assertThat(never).doesNotExist();
    }

    /** A norm of zeros in front of the first attention: neither its inputs nor what it gives says anything about H. */
    @Test
    void aFallbackEndsWithFourUnlessTheRecipeAllowsIt() throws IOException {
        zero("model.layers.0.input_layernorm.weight");
        Path allowed = Files.writeString(directory.resolve("allowed.yaml"), """
                steps:
                  - weights: {method: gptq, format: int3, group: 16}
                on_fallback: allow
                """);
        Object[][] cases = {
            {"gptq-w3g16-minmax", 4, "FellBackToRtn", "rounded to nearest instead"},
            {"rtn-w3g16-weighted", 4, "SearchUnweighted", "were not weighted"},
            {"rtn-w3g16-output", 4, "SearchUnweighted", "were not weighted"},
            {allowed, 0, "FellBackToRtn", "rounded to nearest instead"},
            {"rtn-w3g16-mse", 0, "", ""}
        };
        for (Object[] expected : cases) {
            Path out = directory.resolve("fallback-" + List.of(cases).indexOf(expected));
            Command result = Command.run(
                    "quantize",
                    model,
                    "--recipe",
                    expected[0],
                    "--calibration",
                    calibration,
                    "--samples",
                    4,
                    "--length",
                    16,
                    "--out",
                    out,
                    "--json");
            assertThat(result.code()).as("%s: %s", expected[0], result.err()).isEqualTo(expected[1]);
            assertThat(out.resolve("model.safetensors")).exists();
            JsonNode events = result.json().path("events");
            if (expected[2].equals("")) {
                assertThat(events).isEmpty();
            } else {
                assertThat(events.toString()).contains((String) expected[2]).contains((String) expected[3]);
                assertThat(Files.readString(out.resolve("halftone.json"))).contains((String) expected[2]);
            }
        }
    }

    /** Sets all elements of a tensor of the model to 0. */
    private void zero(String tensor) throws IOException {
        Path file = model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        int header = Math.toIntExact(
                ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0));
        JsonNode offsets = JSON.readTree(new String(bytes, 8, header, StandardCharsets.UTF_8))
                .path(tensor)
                .path("data_offsets");
        Arrays.fill(
                bytes,
                8 + header + offsets.get(0).asInt(),
                8 + header + offsets.get(1).asInt(),
                (byte) 0);
        replace(file, bytes);
    }

    /** By each command, with nothing written. */
    private void refusedEverywhere(String code) {
        Path never = directory.resolve("never");
        refused(code, "inspect", model);
        refused(code, "quantize", model, "--recipe", "gptq-w4g16", "--calibration", calibration, "--out", never);
        refused(code, "eval", model, "--text", text);
        assertThat(never).doesNotExist();
    }

    /** A new file, since the old one may still be mapped. */
    private void replace(Path file, byte[] bytes) throws IOException {
        Path fresh = Files.write(directory.resolve("fresh"), bytes);
        Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Asserts that a command ends with 3 and one line, and returns that. */
    private static String refused(String code, Object... arguments) {
        Command result = Command.run(arguments);
        assertThat(result.err()).as("%s", List.of(arguments)).contains(code).hasLineCount(1);
        assertThat(result.code()).isEqualTo(3);
        if (!arguments[0].equals("inspect")) {
            assertThat(result.out()).isEmpty();
        }
        return result.err();
    }
}
