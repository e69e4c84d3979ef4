package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Something that has right answers: scored by log-likelihoods, or by what a model writes. */
public sealed interface EvaluationTask permits ChoiceTasks.Task, GenerationTasks.Task {
    /** What {@code --tasks} takes, for messages. */
    String FORM = "KIND:FILE or KIND(key=number,...)";

    /** A comma that is followed by the next task and not by the rest of a file name or of a list in parentheses. */
    Pattern COMMA = Pattern.compile(",(?=[a-z0-9_-]+[:(])");

    /** A task that is made here, such as {@code lines(lines=20,items=50)}. */
    Pattern MADE = Pattern.compile("([a-z0-9_]+)\\(([^()]*)\\)");

    /** The file's name without its extension, or what was made. */
    String name();

    /** As the user wrote it. */
    String kind();

    /** What was read. */
    List<Path> files();

    /**
     * Reads {@code KIND:FILE[,KIND:FILE...]}; what can be made stands as {@code KIND(key=number,...)}.
     *
     * @throws InputException HT-610 for what has another form or names no kind, HT-313 for what cannot be made, HT-611 to HT-615
     *     and HT-619 for a file
     */
    static List<EvaluationTask> read(String argument) {
        List<EvaluationTask> tasks = new ArrayList<>();
        for (String part : COMMA.split(argument, -1)) {
            Matcher made = MADE.matcher(part);
            int colon = part.indexOf(':');
            if (made.matches()) {
                tasks.add(Retrieval.parse(made.group(1), made.group(2)));
            } else if (colon < 1 || colon == part.length() - 1) {
                throw new InputException("HT-610", "--tasks", "\"" + part + "\"; expected " + FORM, "");
            } else {
                tasks.add(read(part.substring(0, colon), Path.of(part.substring(colon + 1))));
            }
        }
        return tasks;
    }

    /**
     * Refuses what no study can measure, before any file is read.
     *
     * @param task kind of a file, or a task that is made
     * @throws InputException HT-313, HT-610
     */
    static void check(String task) {
        Matcher made = MADE.matcher(task);
        if (made.matches()) {
            Retrieval.parse(made.group(1), made.group(2));
        } else if (!ChoiceTasks.knows(task) && !GenerationTasks.knows(task)) {
            throw unknown(task);
        }
    }

    private static InputException unknown(String kind) {
        return new InputException(
                "HT-610",
                "--tasks",
                "\"%s\"; known are %s, %s, %s"
                        .formatted(kind, ChoiceTasks.KINDS, TrustTasks.names(), GenerationTasks.KINDS),
                "");
    }

    private static EvaluationTask read(String kind, Path file) {
        if (GenerationTasks.knows(kind)) {
            return GenerationTasks.read(kind, file);
        }
        if (ChoiceTasks.knows(kind)) {
            return ChoiceTasks.read(kind, file);
        }
        throw unknown(kind);
    }

    /** A file's name without its extension. */
    static String name(Path file) {
        String name = String.valueOf(file.getFileName()).replaceFirst("\\.gz$", "");
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }
}
