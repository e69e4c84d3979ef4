package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CarriedQuantizationTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void plainFloatsCarryNone() throws IOException {
        try (ModelFile file = ModelFile.open(TinyModel.write(directory.resolve("tiny"), 1))) {
            assertThat(file.quantization()).isEqualTo("none");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "HT-305 | {'quant_method': 'hqq', 'bits': 3, 'group_size': 64} | hqq, 3 bits, groups of 64",
                "HT-306 | {'quant_method': 'gptq', 'bits': 3, 'group_size': 64, 'sym': false} | gptq, 3 bits, groups of 64, asymmetric",
                "HT-306 | {'quant_method': 'awq', 'bits': 4, 'group_size': 128} | awq, 4 bits, groups of 128",
                "HT-306 | {'quant_method': 'compressed-tensors', 'config_groups': {'group_0': {'weights': {'num_bits': 4, 'group_size': 32,"
                        + " 'symmetric': true}}}} | compressed-tensors, 4 bits, groups of 32, symmetric"
            },
            quoteCharacter = '`')
    void otherToolsLayoutsAreNamedWithTheirFigures(String code, String section, String words) throws IOException {
        Path model = TinyModel.write(directory.resolve("tiny"), 1);
        Path config = model.resolve("config.json");
        String text = Files.readString(config).strip();
        Files.writeString(
                config,
                text.substring(0, text.length() - 1) + ", \"quantization_config\": " + section.replace('\'', '"')
                        + "}");
        assertThatThrownBy(() -> ModelFile.open(model))
                .hasMessageContaining(code)
                .hasMessageContaining(words);
    }
}
