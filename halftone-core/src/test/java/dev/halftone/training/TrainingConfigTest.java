package dev.halftone.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.error.InputException;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainingConfigTest {
    @TempDir
    private Path directory = Path.of("");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "family: llama | family: lama | :1:17 | known are llama",
                "heads: 2 | heads: 3 | :1: | no divisor of hidden",
                "hidden: 16 | hidden: x | :1:32 | whole number",
                "rate: 1e-2 | rate: -1 | :8:18 | positive number",
                "rate: 1e-2 | rte: 1 | :8:17 | not known here",
                "micro_batch: 2 | micro_batch: 3 | :10: | no divisor of batch",
                "steps: 5 | step: 5 | :10: | steps is missing",
                "steps: 5 | 'steps: 5, dtype: fp8' | :10: | known are float32",
                "a.train.txt | absent.txt | :5: | no file matches",
                "b: {train | all: {train | :6:10 | all sources together",
                "method: adamw | method: sgd | :9:21 | known are adamw",
                "optimizer: | optimiser: | :1:1 | missing",
                "sequence: 8 | sequence: 0 | :7:13 | expected 1 or more"
            })
    void complaintsNameLineAndColumn(String from, String to, String place, String finding) throws IOException {
        TinyTraining.data(directory);
        String yaml = TinyTraining.yaml(TinyTraining.model("llama"), "steps: 5");
        assertThat(yaml).contains(from);
        assertThatThrownBy(() -> TinyTraining.config(directory, yaml.replace(from, to)))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-421")
                .hasMessageContaining("config.yaml" + place)
                .hasMessageContaining(finding);
    }

    @Test
    void aModelAndAStartingPointExcludeEachOther() throws IOException {
        TinyTraining.data(directory);
        String yaml = TinyTraining.yaml(TinyTraining.model("llama") + "init: elsewhere\n", "steps: 5");
        assertThatThrownBy(() -> TinyTraining.config(directory, yaml))
                .hasMessageContaining("either \"model\" or \"init\"");
    }

    @Test
    void ratesRiseAndFall() {
        TrainingConfig.Schedule cosine = new TrainingConfig.Schedule("cosine", 2, 0.1, 0, 0.1, 1);
        assertThat(cosine.at(0, 100)).isCloseTo(0.2, within(1e-12));
        assertThat(cosine.at(10, 100)).isCloseTo(2, within(1e-12));
        assertThat(cosine.at(55, 100)).isCloseTo(1.1, within(1e-12));
        assertThat(cosine.at(99, 100)).isBetween(0.2, 0.21);
        TrainingConfig.Schedule wsd = new TrainingConfig.Schedule("wsd", 2, 0.1, 0.2, 0, 1);
        assertThat(wsd.at(4, 100)).isCloseTo(1, within(1e-12));
        assertThat(wsd.at(79, 100)).isCloseTo(2, within(1e-12));
        assertThat(wsd.at(90, 100)).isCloseTo(1, within(1e-12));
        assertThat(wsd.at(99, 100)).isCloseTo(0.1, within(1e-12));
    }
}
