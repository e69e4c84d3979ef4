package dev.halftone.hub;

import dev.halftone.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The small models that come with the source. Their directory is the system property {@code halftone.zoo}, which the launcher
 * sets; without it, {@code zoo} in the working directory.
 */
public final class Zoo {
    /** What a zoo model's name begins with. */
    public static final String PREFIX = "zoo:";

    private static final String PROPERTY = "halftone.zoo";

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
                    known.isEmpty() ? "set -Dhalftone.zoo to the directory zoo of Halftone's source" : "");
        }
        return zoo.resolve(name);
    }

    private static Path directory() {
        String property = System.getProperty(PROPERTY);
        return property == null ? Path.of("zoo") : Path.of(property);
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
