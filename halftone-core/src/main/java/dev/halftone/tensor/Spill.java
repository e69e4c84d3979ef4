package dev.halftone.tensor;

import java.nio.file.Path;

/**
 * Where activations of many sequences wait between two stages of a model. What is computed with them does not depend on it.
 *
 * @param directory for files; created if missing
 * @param when what goes into files
 */
public record Spill(Path directory, When when) {
    /** What goes into files. */
    public enum When {
        /** What is larger than {@link #LARGEST_IN_MEMORY}. */
        LARGE,
        NEVER,
        ALWAYS
    }

    /** Beyond this many bytes the operating system should be free to page activations out. */
    public static final long LARGEST_IN_MEMORY = 4L << 30;

    /** Large ones go into files of the directory. */
    public static Spill large(Path directory) {
        return new Spill(directory, When.LARGE);
    }

    /** True if that many bytes are kept in memory. */
    public boolean inMemory(long bytes) {
        return switch (when) {
            case LARGE -> bytes <= LARGEST_IN_MEMORY;
            case NEVER -> true;
            case ALWAYS -> false;
        };
    }
}
