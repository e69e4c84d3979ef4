package dev.halftone.hub;

import dev.halftone.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The small models and texts that come with the source: {@code zoo} and {@code corpus} below the system property {@code
 * halftone.home}, which the launcher sets, or else below the working directory.
 */
public final class Zoo {
    /** What a zoo model's name begins with. */
    public static final String PREFIX = "zoo:";

    private static final String HOME = "halftone.home";

    private Zoo() {}

    /**
     * A model's directory.
     *
     * @param name without the prefix
     * @throws InputException HT-289 if there is no model of this name
     */
    public static Path locate(String name) {
        Path zoo = directory();
        List<String> known = names(zoo);
        if (!known.contains(name)) {
            throw new InputException(
                    "HT-289",
                    PREFIX + name,
                    known.isEmpty()
                            ? "there is no zoo in " + zoo
                            : "no such model; known are " + String.join(", ", known),
                    known.isEmpty() ? "set -Dhalftone.home to the directory of Halftone's source" : "");
        }
        return zoo.resolve(name);
    }

    /**
     * A text of the corpus.
     *
     * @param name such as {@code sotu.test.txt}
     * @throws InputException HT-289 if it is not there
     */
    public static Path text(String name) {
        return bundled("corpus", name);
    }

    /**
     * A study that comes with the source.
     *
     * @param name such as {@code calibration-quick.yaml}
     * @throws InputException HT-289 if it is not there
     */
    public static Path study(String name) {
        return bundled("studies", name);
    }

    private static Path bundled(String folder, String name) {
        Path file = Path.of(System.getProperty(HOME, ""), folder, name);
        if (!Files.isRegularFile(file)) {
            throw new InputException(
                    "HT-289",
                    file.toString(),
                    "is not there",
                    "set -Dhalftone.home to the directory of Halftone's source");
        }
        return file;
    }

    private static Path directory() {
        return Path.of(System.getProperty(HOME, ""), "zoo");
    }

    private static List<String> names(Path zoo) {
        if (!Files.isDirectory(zoo)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(zoo)) {
            return entries.filter(entry -> Files.isRegularFile(entry.resolve("config.json")))
                    .map(entry -> String.valueOf(entry.getFileName()))
                    .sorted()
                    .toList();
        } catch (IOException _) {
            return List.of();
        }
    }
}
