package dev.halftone.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halftone.checkpoint.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Compares with the test vectors of a llama.cpp checkout: every {@code ggml-vocab-*.gguf} in the directory that the system
 * property {@code halftone.llamacpp.vocabs} names (llama.cpp's {@code models}), with its {@code .inp} and {@code .out}.
 *
 * <p>llama.cpp does not compose characters (NFC) as the tokenizers of Qwen, Cohere and GPT-NeoX models do: texts that this
 * changes are compared with the normalizer taken out of the document.
 */
class LlamaCppVocabulariesTest {
    private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

    @TestFactory
    List<DynamicTest> everyVocabularyGivesTheIdsOfLlamaCpp() throws IOException {
        String directory = System.getProperty("halftone.llamacpp.vocabs", "");
        assumeTrue(
                !directory.isEmpty(), "set halftone.llamacpp.vocabs to the models directory of a llama.cpp checkout");
        try (Stream<Path> files = Files.list(Path.of(directory))) {
            List<Path> vectors = files.filter(file -> file.toString().endsWith(".gguf.inp"))
                    .sorted()
                    .toList();
            assertThat(vectors).isNotEmpty();
            return vectors.stream()
                    .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> compare(file)))
                    .toList();
        }
    }

    private static void compare(Path input) throws IOException {
        String name = input.toString().replaceAll("\\.inp$", "");
        List<String> texts =
                new ArrayList<>(Arrays.asList(Files.readString(input).split(SEPARATOR, -1)));
        texts.removeLast(); // the file ends with a separator
        assertThat(texts).hasSizeGreaterThan(40);
        List<String> lines = Files.readAllLines(Path.of(name + ".out"));
        List<String> differences = new ArrayList<>();
        try (GgufFile file = GgufFile.open(Path.of(name));
                TextTokenizer tokenizer = TextTokenizer.fromGguf(file.metadata(), name);
                TextTokenizer plain = withoutNfc(tokenizer)) {
            for (int i = 0; i < texts.size(); i++) {
                String text = texts.get(i);
                boolean composed = Normalizer.isNormalized(text, Normalizer.Form.NFC);
                String ids = join((composed ? tokenizer : plain).encode(text));
                if (!ids.equals(lines.get(i).strip())) {
                    differences.add("\"%s\"\n  ours   %s\n  theirs %s".formatted(text, ids, lines.get(i)));
                }
            }
        }
        assertThat(differences).as("%d texts", texts.size()).isEmpty();
    }

    private static TextTokenizer withoutNfc(TextTokenizer tokenizer) throws IOException {
        Path directory = Files.createTempDirectory("halftone-text");
        Path file = directory.resolve("tokenizer.json");
        try {
            String document = tokenizer.toJson();
            Files.writeString(
                    file, document.replaceFirst("\"normalizer\":\\{\"type\":\"NFC\"}", "\"normalizer\":null"));
            return TextTokenizer.fromDirectory(directory);
        } finally {
            Files.deleteIfExists(file);
            Files.delete(directory);
        }
    }

    private static String join(int[] ids) {
        return Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining(" "));
    }
}
