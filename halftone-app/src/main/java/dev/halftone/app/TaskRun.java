package dev.halftone.app;

import dev.halftone.evaluate.ChoiceEncoder;
import dev.halftone.evaluate.ChoiceScoring;
import dev.halftone.evaluate.ChoiceTasks;
import dev.halftone.evaluate.Evaluation;
import dev.halftone.evaluate.EvaluationTask;
import dev.halftone.evaluate.GenerationScores;
import dev.halftone.evaluate.GenerationTasks;
import dev.halftone.evaluate.GreedyDecoding;
import dev.halftone.model.Decoder;
import dev.halftone.tensor.Workers;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Measures a model, and a reference if there is one, task by task. */
final class TaskRun {
    private final Decoder model;
    private final @Nullable Decoder reference;
    private final ChoiceEncoder encoder;
    private final Workers workers;
    private final Path spill;
    private final @Nullable TaskLog log;
    private long tokens;

    TaskRun(
            Decoder model,
            @Nullable Decoder reference,
            ChoiceEncoder encoder,
            Workers workers,
            Path spill,
            @Nullable TaskLog log) {
        this.model = model;
        this.reference = reference;
        this.encoder = encoder;
        this.workers = workers;
        this.spill = spill;
        this.log = log;
    }

    /** Scored and generated so far, by one of the models. */
    long tokens() {
        return tokens;
    }

    TaskDocument measure(EvaluationTask task, Evaluation.Progress progress) {
        return switch (task) {
            case ChoiceTasks.Task choice -> choose(choice, progress);
            case GenerationTasks.Task generation -> generate(generation, progress);
        };
    }

    private TaskDocument choose(ChoiceTasks.Task task, Evaluation.Progress progress) {
        ChoiceScoring.Result result =
                ChoiceScoring.run(model, reference, encoder, task.items(), workers, spill, progress);
        tokens += result.tokens();
        if (log != null) {
            log.add(task, result);
        }
        return TaskDocument.of(task, result);
    }

    private TaskDocument generate(GenerationTasks.Task task, Evaluation.Progress progress) {
        GenerationScores own = GreedyDecoding.run(model, encoder, task.items(), workers, progress);
        GenerationScores other =
                reference == null ? null : GreedyDecoding.run(reference, encoder, task.items(), workers, progress);
        tokens += own.answers().stream()
                .flatMap(List::stream)
                .mapToLong(answer -> answer.ids().length)
                .sum();
        if (log != null) {
            log.add(task, own, other);
        }
        return TaskDocument.of(task, own, other);
    }
}
