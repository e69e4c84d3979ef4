package dev.halftone.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.SiteObserver;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeDevice;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerTest {

    @TempDir
    private Path directory = Path.of("");

    @BeforeEach
    void write() throws IOException {
        TinyTraining.data(directory);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama",
                "mistral",
                "qwen2",
                "qwen3",
                "opt",
                "gpt2",
                "mixtral",
                "olmoe",
                "qwen2_moe",
                "qwen3_moe",
                "deepseek"
            })
    void theLossOfEveryFamilyFallsAndTheModelCanBeRead(String family) throws IOException {
        Path out = directory.resolve("model");
        List<Double> losses = new ArrayList<>();
        TrainingConfig config =
                TinyTraining.config(directory, TinyTraining.yaml(TinyTraining.model(family), "steps: 25"));
        Trainer.Result result;
        try (Workers workers = new Workers(2)) {
            result = new Trainer(config, out, ComputeDevice.CPU, workers)
                    .run(false, (_, _, loss, _, _) -> losses.add(loss));
        }
        assertThat(losses).hasSize(25);
        assertThat(losses.getFirst()).isCloseTo(Math.log(96), within(0.2));
        assertThat(losses.getLast()).isLessThan(losses.getFirst() - 0.5);
        assertThat(result.validation()).extracting(Trainer.Validated::source).containsExactly("a", "b", "all");
        assertThat(result.all().loss()).isLessThan(Math.log(96) - 0.5);
        try (ModelFile model = ModelFile.open(out)) {
            Torch.inScope(() -> {
                try (Decoder decoder = new Decoder(model.spec(), model.weights(), Compute.FLOAT32, family)) {
                    float[] logits = Tensors.floats(decoder.forward(new int[] {1, 3, 4}, SiteObserver.NONE));
                    // After BOS, 3 the next word is 4 or 5.
                    int best = 0;
                    for (int i = 0; i < 96; i++) {
                        best = logits[96 + i] > logits[96 + best] ? i : best;
                    }
                    assertThat(logits).hasSize(3 * 96).doesNotContain(Float.NaN);
                    assertThat(best).isBetween(3, 92);
                }
            });
        }
    }

    @Test
    void aRunThatStoppedInTheMiddleGivesTheSameBytes() throws IOException {
        String yaml = TinyTraining.yaml(
                TinyTraining.model("llama"), "steps: 23, save_every: 5, validate_every: 4, dtype: bf16");
        Path whole = run("whole", yaml, 2, false, Integer.MAX_VALUE);
        // 22 windows of 8 tokens in an epoch of 700: the order of a later epoch must come back too.
        assertThatThrownBy(() -> run("stopped", yaml, 1, false, 13)).isInstanceOf(Stopped.class);
        assertThat(directory.resolve("stopped")).doesNotExist();
        assertThatThrownBy(() -> run("stopped", yaml, 2, true, 21))
                .isInstanceOf(Stopped.class)
                .hasMessage("11 to 21");
        Path stopped = run("stopped", yaml, 1, true, Integer.MAX_VALUE);
        for (String file : List.of("model.safetensors", "config.json", "training.html", "tokenizer.json")) {
            assertThat(stopped.resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
        }
        assertThat(directory.resolve(".stopped.training/log.jsonl"))
                .hasSameTextualContentAs(directory.resolve(".whole.training/log.jsonl"));
        assertThat(directory.resolve(".stopped.training/training.html"))
                .content()
                .contains("<polyline", "validation b");
        assertThat(whole.resolve("training.html")).isNotEmptyFile();
        try (TextTokenizer tokenizer = TextTokenizer.fromDirectory(whole)) {
            assertThat(tokenizer.addsBos()).as("windows began with BOS").isTrue();
        }
        String hash = Provenance.sha256(directory.resolve("a.validation.txt"));
        assertThat(whole.resolve("README.md"))
                .content()
                .contains(
                        "# config",
                        "| 23 |",
                        "| model.layers.1.output |",
                        "train config.yaml --data",
                        "| a.validation.txt | a, validation | ",
                        hash);
    }

    @ParameterizedTest
    @ValueSource(strings = {"float32", "bf16"})
    void threadsDoNotChangeTheBytes(String type) throws IOException {
        String yaml = TinyTraining.yaml(TinyTraining.model("opt"), "steps: 6, stored: float32, dtype: " + type);
        Path one = run("one", yaml, 1, false, Integer.MAX_VALUE);
        Path three = run("three", yaml, 3, false, Integer.MAX_VALUE);
        assertThat(three.resolve("model.safetensors")).hasSameBinaryContentAs(one.resolve("model.safetensors"));
    }

    @Test
    void trainingGoesOnFromACheckpoint() throws IOException {
        Path first = run("first", TinyTraining.yaml(TinyTraining.model("qwen3"), "steps: 25"), 2, false, 100);
        List<Double> losses = new ArrayList<>();
        TrainingConfig config =
                TinyTraining.config(directory, TinyTraining.yaml("init: " + first + "\n", "steps: 2, stored: bf16"));
        try (Workers workers = new Workers(2)) {
            new Trainer(config, directory.resolve("second"), ComputeDevice.CPU, workers)
                    .run(false, (_, _, loss, _, _) -> losses.add(loss));
        }
        assertThat(losses.getFirst()).isLessThan(Math.log(96) - 0.5);
        assertThat(directory.resolve("second/model.safetensors")).isNotEmptyFile();
        assertThat(Files.size(directory.resolve("second/model.safetensors")))
                .isLessThan(Files.size(first.resolve("model.safetensors")));
    }

    /** One step at a rate that moves nothing visibly: what comes out is what the file holds, in the Hugging Face layout. */
    @Test
    void trainingGoesOnFromAGguf() throws Exception {
        Path gguf = Path.of(Objects.requireNonNull(TrainerTest.class.getResource("/checkpoint/gpt2.gguf"))
                .toURI());
        Path out = run(
                "out",
                TinyTraining.yaml("init: " + gguf + "\n", "steps: 1, stored: float32")
                        .replace("rate: 1e-2", "rate: 1e-9"),
                1,
                false,
                Integer.MAX_VALUE);
        try (ModelFile before = ModelFile.open(gguf);
                ModelFile after = ModelFile.open(out);
                Arena arena = Arena.ofConfined()) {
            assertThat(after.spec().family()).isEqualTo("gpt2");
            for (Decoder.Expected tensor : Decoder.tensors(before.spec())) {
                Torch.inScope(() -> {
                    float[] from = Tensors.floats(before.weights().load(tensor.name(), ComputeType.FLOAT32, arena));
                    float[] to = Tensors.floats(after.weights().load(tensor.name(), ComputeType.FLOAT32, arena));
                    assertThat(to).as(tensor.name()).containsExactly(from, within(1e-7f));
                });
            }
        }
    }

    @Test
    void aCheckpointOfAnotherConfigurationIsRefused() throws IOException {
        String run = "steps: 9, save_every: 2, seed: ";
        String model = TinyTraining.model("llama");
        assertThatThrownBy(() -> run("out", TinyTraining.yaml(model, run + 1), 1, false, 5))
                .isInstanceOf(Stopped.class);
        assertThatThrownBy(() -> run("out", TinyTraining.yaml(model, run + 2), 1, true, 100))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-803");
        assertThat(run("out", TinyTraining.yaml(model, run + 2), 1, false, 100)).isDirectory();
        assertThatThrownBy(() -> run("out", TinyTraining.yaml(model, run + 2), 1, false, 100))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-804");
    }

    private Path run(String name, String yaml, int threads, boolean resume, int stopAfter) throws IOException {
        TrainingConfig config = TinyTraining.config(directory, yaml);
        Path out = directory.resolve(name);
        int[] first = {0};
        try (Workers workers = new Workers(threads)) {
            new Trainer(config, out, ComputeDevice.CPU, workers).run(resume, (done, _, _, _, _) -> {
                first[0] = first[0] == 0 ? done : first[0];
                if (done >= stopAfter && done < config.run().steps()) {
                    throw new Stopped(first[0] + " to " + done);
                }
            });
        }
        return out;
    }

    private static final class Stopped extends RuntimeException {
        private static final long serialVersionUID = 1;

        Stopped(String message) {
            super(message);
        }
    }
}
