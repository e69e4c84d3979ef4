package dev.halftone.app;

import dev.halftone.error.InputException;
import dev.halftone.evaluate.ChoiceItem;
import dev.halftone.evaluate.ChoiceScores;
import dev.halftone.evaluate.ChoiceScores.Norm;
import dev.halftone.evaluate.ChoiceScoring;
import dev.halftone.evaluate.ChoiceTasks;
import dev.halftone.evaluate.GenerationScores;
import dev.halftone.evaluate.GenerationTasks;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code --items FILE}: one JSON object per item, so that flips can be looked at and other programs' figures compared. */
final class TaskLog implements AutoCloseable {
    private final Path file;
    private final BufferedWriter out;

    /** Opens the file before the work starts, so that a wrong path does not cost the work. */
    TaskLog(Path file) {
        this.file = file;
        try {
            this.out = Files.newBufferedWriter(file);
        } catch (IOException e) {
            throw failed(file, e);
        }
    }

    /**
     * An item.
     *
     * @param item number within the task, from 0
     * @param pick the option of the highest log-likelihood; of a cloze 0
     */
    record Line(
            String task,
            String kind,
            int item,
            int gold,
            double[] logLikelihood,
            boolean[] greedy,
            int pick,
            int pickNorm,
            int pickBytes,
            double @Nullable [] referenceLogLikelihood,
            @Nullable Integer referencePick) {}

    void add(ChoiceTasks.Task task, ChoiceScoring.Result result) {
        ChoiceScores own = result.model();
        ChoiceScores other = result.reference();
        List<ChoiceItem> items = task.items();
        for (int i = 0; i < items.size(); i++) {
            write(new Line(
                    task.name(),
                    task.kind(),
                    i,
                    items.get(i).gold(),
                    own.logLikelihood()[i],
                    own.greedy()[i],
                    own.pick(i, Norm.NONE),
                    own.pick(i, Norm.CHARACTERS),
                    own.pick(i, Norm.BYTES),
                    other == null ? null : other.logLikelihood()[i],
                    other == null ? null : other.pick(i, Norm.NONE)));
        }
    }

    /**
     * An item that was answered by generating.
     *
     * @param answers one for each turn
     * @param score how right the last one is; null for open questions
     */
    record Written(
            String task,
            String kind,
            int item,
            List<String> expected,
            List<String> answers,
            @Nullable Double score,
            @Nullable List<String> referenceAnswers) {}

    void add(GenerationTasks.Task task, GenerationScores own, @Nullable GenerationScores other) {
        double[] right = own.right();
        for (int i = 0; i < right.length; i++) {
            write(new Written(
                    task.name(),
                    task.kind(),
                    i,
                    task.items().get(i).expected(),
                    texts(own, i),
                    Double.isNaN(right[i]) ? null : right[i],
                    other == null ? null : texts(other, i)));
        }
    }

    private static List<String> texts(GenerationScores scores, int item) {
        return scores.answers().get(item).stream()
                .map(GenerationScores.Answer::text)
                .toList();
    }

    private void write(Record line) {
        try {
            out.write(CommonOptions.line(line));
            out.write('\n');
        } catch (IOException e) {
            throw failed(file, e);
        }
    }

    @Override
    public void close() {
        try {
            out.close();
        } catch (IOException e) {
            throw failed(file, e);
        }
    }

    private static InputException failed(Path file, IOException e) {
        return new InputException("HT-620", file.toString(), "cannot be written (" + e + ")", "check the path");
    }
}
