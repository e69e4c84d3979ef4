package dev.halftone.study.plan;

import java.io.Serializable;
import java.util.List;

/** What is measured of a model: an entry of a study's {@code evaluate}. */
public sealed interface Probe extends Serializable {
    /** What the study calls it; no two have one name. */
    String name();

    /** Files that are read. */
    List<String> files();

    /**
     * Perplexity, and the divergence from the full-precision model.
     *
     * @param windows a window rule by name
     * @param length tokens per window
     * @param chunks most windows, -1 for all
     */
    record Text(String name, List<String> files, String windows, int length, int chunks) implements Probe {
        public Text {
            files = List.copyOf(files);
        }
    }

    /**
     * Accuracy on a task.
     *
     * @param task kind of its file, as {@code halftone eval --tasks} names it, or a task that is made, such as {@code
     *     lines(lines=20)}
     * @param file empty for what is made
     */
    record Choice(String name, String task, String file) implements Probe {
        @Override
        public List<String> files() {
            return file.isEmpty() ? List.of() : List.of(file);
        }

        /** What {@code --tasks} would be told. */
        public String argument() {
            return file.isEmpty() ? task : task + ":" + file;
        }
    }

    /** The word that tells the two apart in the store. */
    default String kind() {
        return switch (this) {
            case Text _ -> "text";
            case Choice _ -> "choice";
        };
    }

    /** The same with at most so many windows of a text; 0 leaves them. */
    default Probe sized(int chunks) {
        return switch (this) {
            case Text(String name, List<String> files, String windows, int length, int own) ->
                new Text(name, files, windows, length, chunks == 0 ? own : chunks);
            case Choice choice -> choice;
        };
    }

    /** All that the result depends on beside the files' contents. */
    default String settings() {
        return switch (this) {
            case Text(String _, List<String> _, String windows, int length, int chunks) ->
                "text %s %d %d".formatted(windows, length, chunks);
            case Choice(String _, String task, String _) -> "choice " + task;
        };
    }
}
