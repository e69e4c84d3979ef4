package dev.halftone.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Files that tests read where they are present and do without where they are not. */
final class SharedFiles {
    private SharedFiles() {}

    static Path find(String relative) {
        Path file = Path.of(System.getProperty("halftone.shared", "shared")).resolve(relative);
        Assumptions.assumeTrue(
                Files.exists(file), () -> "skipped: no " + relative + " under the property halftone.shared");
        return file;
    }
}
