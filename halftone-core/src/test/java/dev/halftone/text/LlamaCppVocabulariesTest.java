package dev.halftone.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Compares with the test vectors of a llama.cpp checkout: every {@code ggml-vocab-*.gguf} in the directory that the system
 * property {@code halftone.llamacpp.vocabs} names (llama.cpp's {@code models}), with its {@code .inp} and {@code .out}.
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
        List<String> lines = Files.readAllLines(Path.of(name + ".out"));
        List<String> differences = new ArrayList<>();
        try (TextTokenizer tokenizer = TextTokenizer.fromGguf(GgufTestMetadata.read(Path.of(name)), name)) {
            for (int i = 0; i < texts.size(); i++) {
                String expected = lines.get(i).strip();
                StringBuilder ids = new StringBuilder();
                for (int id : tokenizer.encode(texts.get(i))) {
                    ids.append(ids.isEmpty() ? "" : " ").append(id);
                }
                if (!ids.toString().equals(expected)) {
                    differences.add("\"%s\"\n  ours   %s\n  theirs %s".formatted(texts.get(i), ids, expected));
                }
            }
        }
        assertThat(texts).hasSizeGreaterThan(40);
        assertThat(differences).as("%d texts", texts.size()).isEmpty();
    }
}
