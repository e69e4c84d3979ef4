package dev.halftone.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ErrorCodesTest {
    @Test
    void docs_list_exactly_the_codes_that_the_package_throws() throws IOException {
        Path root = Path.of(System.getProperty("halftone.root", ".."));
        TreeSet<String> thrown = new TreeSet<>();
        try (Stream<Path> sources = Files.list(root.resolve("halftone-core/src/main/java/dev/halftone/checkpoint"))) {
            for (Path source : sources.toList()) {
                thrown.addAll(find("\"(HT-2\\d\\d)\"", Files.readString(source)));
            }
        }
        List<String> documented = find("(?m)^\\| (HT-2\\d\\d) ", Files.readString(root.resolve("docs/errors.md")));
        assertThat(documented).isSorted().doesNotHaveDuplicates().containsExactlyElementsOf(thrown);
    }

    private static List<String> find(String regex, String text) {
        return Pattern.compile(regex)
                .matcher(text)
                .results()
                .map(match -> match.group(1))
                .collect(Collectors.toList());
    }
}
