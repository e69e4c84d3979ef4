package dev.halftone.study.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * DuckDB's driver unpacks its library, 60 MB, into the temporary directory and leaves it to the end of the process to delete it,
 * which a process that is killed or halts never does. On Linux a library that is loaded needs no name, so its name goes at once.
 */
final class NativeCopy {
    private static final Path MAPS = Path.of("/proc/self/maps");
    private static final Pattern COPY = Pattern.compile("(/\\S*/libduckdb_java\\d+\\.so)$");
    private static boolean done;

    private NativeCopy() {}

    /** Deletes the copy that this process has loaded. Call it with the driver loaded. */
    static synchronized void delete() {
        if (done) {
            return;
        }
        done = true;
        if (!Files.isReadable(MAPS)) {
            return;
        }
        try {
            for (String line : Files.readAllLines(MAPS)) {
                Matcher copy = COPY.matcher(line);
                if (copy.find()) {
                    Files.deleteIfExists(Path.of(copy.group(1)));
                }
            }
        } catch (IOException _) {
            // Then the file stays until the temporary directory is cleaned, as it would without this.
        }
    }
}
