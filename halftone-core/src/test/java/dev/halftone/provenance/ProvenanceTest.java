package dev.halftone.provenance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProvenanceTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void filesOfOneNameInSeveralFoldersAreAllHashed() throws IOException {
        Path first =
                Files.writeString(Files.createDirectory(directory.resolve("a")).resolve("text.txt"), "one");
        Path second =
                Files.writeString(Files.createDirectory(directory.resolve("b")).resolve("text.txt"), "two");
        assertThat(Provenance.of(List.of(first, second), Map.of()).inputs())
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of("text.txt", Provenance.sha256(first), "text.txt (2)", Provenance.sha256(second)));
    }
}
