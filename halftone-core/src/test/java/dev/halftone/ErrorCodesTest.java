package dev.halftone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ErrorCodesTest {
    private static final Pattern CODE = Pattern.compile("\\bHT-\\d{3}\\b");

    @Test
    void docsListExactlyTheCodesThatSourcesAndScriptsUse() throws IOException {
        Path root = Path.of(System.getProperty("halftone.root", ".."));
        TreeSet<String> used = new TreeSet<>();
        for (String place : List.of(
                "halftone",
                "tools/find-jdk.sh",
                ".mvn/wrapper",
                "halftone-kernels/src/main",
                "halftone-core/src/main",
                "halftone-runtime/src/main",
                "halftone-server/src/main",
                "halftone-study/src/main",
                "halftone-spark/src/main",
                "halftone-app/src/main")) {
            try (Stream<Path> files = Files.walk(root.resolve(place))) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    used.addAll(codes(Files.readString(file)));
                }
            }
        }
        List<String> documented = Files.readString(root.resolve("docs/errors.md"))
                .lines()
                .filter(line -> line.startsWith("| HT-"))
                .flatMap(line -> codes(line.substring(0, line.indexOf('|', 1))).stream())
                .toList();
        assertThat(documented).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(used);
    }

    private static List<String> codes(String text) {
        return CODE.matcher(text).results().map(match -> match.group()).toList();
    }
}
