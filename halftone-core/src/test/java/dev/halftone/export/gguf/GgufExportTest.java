package dev.halftone.export.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.TinyModel;
import dev.halftone.checkpoint.GgufFile;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.format.gguf.Mixture;
import dev.halftone.model.Decoder;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class GgufExportTest {
    @TempDir
    private static Path temporary = Path.of("");

    private static Path model = Path.of("");

    @BeforeAll
    static void write() throws IOException {
        model = SmallModel.write(temporary.resolve("small"), 1);
    }

    private static Path export(Path source, Mixture mixture, String name) {
        Path file = temporary.resolve(name + ".gguf");
        try (ModelFile opened = ModelFile.open(source);
                Workers workers = new Workers(2)) {
            GgufExport.write(opened, mixture, null, file, workers, (_, _) -> {});
        }
        return file;
    }

    private static List<float[]> weights(Path path) {
        List<float[]> all = new ArrayList<>();
        try (ModelFile file = ModelFile.open(path);
                Arena arena = Arena.ofShared()) {
            for (Decoder.Expected tensor : Decoder.tensors(file.spec())) {
                Torch.inScope(
                        () -> all.add(Tensors.floats(file.weights().load(tensor.name(), ComputeType.FLOAT32, arena))));
            }
        }
        return all;
    }

    @Test
    void float32LosesNothing() {
        Path file = export(model, Mixture.ALL_F32, "f32");
        List<float[]> expected = weights(model);
        List<float[]> found = weights(file);
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(found.get(i)).isEqualTo(expected.get(i));
        }
    }

    @Test
    void theTokenizerIsTheSame() {
        Path file = export(model, Mixture.ALL_F16, "tokenizer");
        String text = SmallModel.text(60, 5) + " 123 <|endoftext|>\n";
        try (ModelFile one = ModelFile.open(model);
                ModelFile other = ModelFile.open(file);
                TextTokenizer expected = one.tokenizer();
                TextTokenizer found = other.tokenizer()) {
            assertThat(found.encode(text)).isEqualTo(expected.encode(text));
        }
    }

    /** Names, order and metadata of a file that is read again and written again stay as they are. */
    @ParameterizedTest
    @EnumSource(Mixture.class)
    void aFileThatIsExportedAgainIsTheSameFile(Mixture mixture) {
        Path first = export(model, mixture, "first-" + mixture.title());
        Path second = export(first, mixture, "second-" + mixture.title());
        assertThat(second).hasSameBinaryContentAs(first);
    }

    @ParameterizedTest
    @CsvSource({
        "Q4_K_M, blk.0.ffn_down.weight, Q4_K",
        "Q4_K_M, blk.1.ffn_down.weight, Q6_K",
        "Q4_K_M, blk.1.attn_v.weight, Q8_0",
        "Q4_K_M, blk.0.ffn_up.weight, Q5_0",
        "Q4_K_M, token_embd.weight, Q8_0",
        "Q4_K_M, blk.0.attn_norm.weight, F32",
        "Q2_K, blk.0.ffn_down.weight, Q3_K",
        "Q2_K, blk.0.attn_q.weight, Q4_0",
        "IQ4_NL, blk.0.attn_q.weight, IQ4_NL",
        "MXFP4, blk.0.attn_q.weight, MXFP4",
        "F16, token_embd.weight, F16",
    })
    void typesAreThoseOfTheMixture(String mixture, String tensor, String type) {
        Path file = export(model, Mixture.named(mixture, ""), "types-" + mixture);
        try (GgufFile opened = GgufFile.open(file)) {
            assertThat(opened.tensor(tensor).type()).isEqualTo(type);
        }
    }

    @Test
    void gpt2GoesThroughWithItsTransposedLinears() {
        Path source = Path.of(System.getProperty("user.dir"), "src/test/resources/checkpoint/gpt2.gguf");
        Path file = export(source, Mixture.ALL_F32, "gpt2");
        List<float[]> expected = weights(source);
        List<float[]> found = weights(file);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(found.get(i)).isEqualTo(expected.get(i));
        }
    }

    @Test
    void anOrderOfTextThatGgufCannotNameIsRefusedAndNothingIsLeft() throws IOException {
        Path words = TinyModel.write(temporary.resolve("words"), 1);
        assertThatThrownBy(() -> export(words, Mixture.ALL_F32, "refused"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-684")
                .hasMessageContaining("no byte-level BPE");
        try (Stream<Path> files = Files.list(temporary)) {
            assertThat(files.map(path -> path.getFileName().toString())).noneMatch(name -> name.contains("refused"));
        }
    }

    @Test
    void theNumberOfThreadsChangesNothing() {
        Path two = export(model, Mixture.MOSTLY_Q4_K_M, "two");
        Path one = temporary.resolve("one.gguf");
        try (ModelFile opened = ModelFile.open(model);
                Workers workers = new Workers(1)) {
            GgufExport.write(opened, Mixture.MOSTLY_Q4_K_M, null, one, workers, (_, _) -> {});
        }
        assertThat(one).hasSameBinaryContentAs(two);
    }
}
