package dev.halftone.study.run;

import dev.halftone.evaluate.ChoiceEncoder;
import dev.halftone.evaluate.ChoiceScores;
import dev.halftone.evaluate.ChoiceScores.Norm;
import dev.halftone.evaluate.ChoiceScoring;
import dev.halftone.evaluate.ChoiceTasks;
import dev.halftone.evaluate.Estimate;
import dev.halftone.evaluate.Evaluation;
import dev.halftone.evaluate.EvaluationTask;
import dev.halftone.evaluate.GenerationScores;
import dev.halftone.evaluate.GenerationScores.Answer;
import dev.halftone.evaluate.GenerationTasks;
import dev.halftone.evaluate.GreedyDecoding;
import dev.halftone.evaluate.LogitFile;
import dev.halftone.evaluate.LogitFileWriter;
import dev.halftone.evaluate.LogitSource;
import dev.halftone.evaluate.ModelLogits;
import dev.halftone.evaluate.Scores;
import dev.halftone.evaluate.WindowRule;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.study.plan.CellResult.Choice;
import dev.halftone.study.plan.CellResult.Figure;
import dev.halftone.study.plan.CellResult.Text;
import dev.halftone.study.plan.Hashes;
import dev.halftone.study.plan.Job;
import dev.halftone.study.plan.Job.Cell;
import dev.halftone.study.plan.Probe;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Measures a model by a probe. The full-precision model's logits on a text are computed once and kept in the study's cache, where
 * they are not too large for it.
 */
final class Measuring {
    /** Larger ones are computed again for every cell. */
    private static final long LARGEST_CACHED = 4L << 30;

    private static final Path SPILL = Path.of(System.getProperty("java.io.tmpdir"));
    private final StudyDirectory directory;
    private final Path work;
    private final Compute compute;
    private final Workers workers;

    /** @param work where files are until they are whole */
    Measuring(StudyDirectory directory, Path work, Compute compute, Workers workers) {
        this.directory = directory;
        this.work = work;
        this.compute = compute;
        this.workers = workers;
    }

    /** The windows of a text probe, as the model's tokenizer gives them. */
    static List<Window> windows(Probe.Text probe, TextTokenizer tokenizer) {
        String text = probe.files().stream()
                .map(file -> TextFiles.read(Path.of(file)))
                .collect(Collectors.joining("\n\n"));
        return WindowRule.named(probe.windows())
                .cut(tokenizer.encode(text), bos(tokenizer), probe.length(), probe.chunks(), probe.name());
    }

    private static int bos(TextTokenizer tokenizer) {
        return tokenizer.addsBos() ? tokenizer.bosId() : -1;
    }

    /**
     * Measures the full-precision model itself, and keeps its logits.
     *
     * @param model as {@code job} names it
     */
    Text original(Job job, Cell cell, Probe.Text probe, ModelFile model) {
        try (TextTokenizer tokenizer = model.tokenizer();
                Decoder decoder = model.decoder(compute);
                ModelLogits own = new ModelLogits(decoder, SPILL)) {
            List<Window> windows = windows(probe, tokenizer);
            if (!cached(windows, own.vocabulary())) {
                return figures(run(own, null, windows, (_, _, _, _) -> {}), windows, 0);
            }
            Path file = logits(job, cell);
            Path beside = StudyDirectory.made(work).resolve(String.valueOf(file.getFileName()));
            try (LogitFileWriter writer = new LogitFileWriter(beside, windows, own.vocabulary())) {
                Scores scores = run(own, null, windows, writer);
                Estimate error = writer.finish();
                // Others may have made the same file by now: it has the same bytes.
                StudyDirectory.move(beside, file);
                return figures(scores, windows, error.value());
            }
        }
    }

    /** Measures a packed model against the one it was made from. */
    Text packed(Job job, Cell cell, Probe.Text probe, ModelFile original, ModelFile packed) {
        try (TextTokenizer tokenizer = original.tokenizer();
                Decoder decoder = packed.decoder(compute);
                ModelLogits own = new ModelLogits(decoder, SPILL)) {
            List<Window> windows = windows(probe, tokenizer);
            if (!cached(windows, own.vocabulary())) {
                try (Decoder reference = original.decoder(compute);
                        ModelLogits other = new ModelLogits(reference, SPILL)) {
                    return figures(run(own, other, windows, (_, _, _, _) -> {}), windows, 0);
                }
            }
            Path file = logits(job, cell);
            if (!Files.isRegularFile(file)) {
                original(job, cell, probe, original);
            }
            try (LogitFile other = LogitFile.open(file)) {
                return figures(run(own, other, windows, (_, _, _, _) -> {}), windows, 0);
            }
        }
    }

    private Path logits(Job job, Cell cell) {
        return directory.logits(Hashes.of("logits", job.modelHash(), cell.probeHash(), compute.toString()));
    }

    /** True where all windows are alike, as the file's form wants it, and the file is not too large. */
    private static boolean cached(List<Window> windows, int vocabulary) {
        int length = windows.getFirst().tokens().length;
        int scored = windows.getFirst().scored();
        boolean alike =
                windows.stream().allMatch(window -> window.tokens().length == length && window.scored() == scored);
        boolean known = scored == length - 1 || scored == length - length / 2 - 1;
        long bytes = 2L * windows.size() * scored * vocabulary;
        return alike && known && bytes <= LARGEST_CACHED;
    }

    private Scores run(
            ModelLogits own, @Nullable LogitSource reference, List<Window> windows, Evaluation.Listener listener) {
        return Evaluation.run(List.of(own), reference, windows, workers, (_, _) -> {}, listener)
                .getFirst();
    }

    private static Text figures(Scores scores, List<Window> windows, double referenceError) {
        int n = windows.size();
        int[] scored = windows.stream().mapToInt(Window::scored).toArray();
        double[] nll = new double[n];
        double[] kl = new double[n];
        boolean paired = scores.kl().length > 0;
        int at = 0;
        for (int i = 0; i < n; i++) {
            nll[i] = mean(scores.nll(), at, scored[i]);
            kl[i] = paired ? mean(scores.kl(), at, scored[i]) : 0;
            at += scored[i];
        }
        Figure none = new Figure(0, 0);
        return new Text(
                Figure.of(scores.perplexity()),
                paired ? Figure.of(scores.divergence()) : none,
                paired ? scores.klQuantile(0.5) : 0,
                paired ? scores.klQuantile(0.99) : 0,
                paired ? Figure.of(scores.agreement()) : new Figure(1, 0),
                referenceError,
                scored,
                nll,
                kl);
    }

    private static double mean(double[] values, int from, int count) {
        return Arrays.stream(values, from, from + count).sum() / count;
    }

    /** Measures a model on a task. */
    Choice choice(Job job, Cell cell, Probe.Choice probe, ModelFile original, ModelFile model) {
        try (TextTokenizer tokenizer = original.tokenizer();
                Decoder decoder = model.decoder(compute)) {
            ChoiceEncoder encoder =
                    ChoiceEncoder.of(tokenizer, bos(tokenizer), model.spec().contextLength());
            return switch (EvaluationTask.read(probe.argument()).getFirst()) {
                case ChoiceTasks.Task task ->
                    chosen(ChoiceScoring.run(decoder, null, encoder, task.items(), workers, SPILL, (_, _) -> {})
                            .model());
                case GenerationTasks.Task task -> {
                    GenerationScores scores = GreedyDecoding.run(decoder, encoder, task.items(), workers, (_, _) -> {});
                    yield task.open()
                            ? compared(scores, answers(job, cell, scores, encoder, original))
                            : written(scores);
                }
            };
        }
    }

    /**
     * What the full-precision model answers to the same questions, from the study's cache where it has answered already.
     *
     * @param own answers of the model that is measured
     */
    private GenerationScores answers(
            Job job, Cell cell, GenerationScores own, ChoiceEncoder encoder, ModelFile original) {
        Path file = directory.answers(Hashes.of("answers", job.modelHash(), cell.probeHash(), compute.toString()));
        if (!job.fullPrecision() && Files.isRegularFile(file)) {
            return KeptAnswers.read(file, own.items());
        }
        GenerationScores answers = own;
        if (!job.fullPrecision()) {
            try (Decoder decoder = original.decoder(compute)) {
                answers = GreedyDecoding.run(decoder, encoder, own.items(), workers, (_, _) -> {});
            }
        }
        KeptAnswers.write(StudyDirectory.made(work), file, answers);
        return answers;
    }

    /** A dialogue has no right answers: its items are the turns, and right is what the full-precision model answers. */
    private static Choice compared(GenerationScores scores, GenerationScores reference) {
        double[] chrf = scores.overlap(reference);
        double[] same = scores.same(reference);
        List<String> answers = scores.turns().stream().map(Answer::text).toList();
        return new Choice(
                Figure.of(Estimate.mean(chrf)), Figure.of(Estimate.mean(same)), 0, chrf, same, new double[0], answers);
    }

    private static Choice chosen(ChoiceScores scores) {
        double[] margin = new double[scores.items().size()];
        Arrays.setAll(margin, i -> margin(scores, i));
        return new Choice(
                Figure.of(scores.accuracy(Norm.NONE)),
                Figure.of(scores.accuracy(Norm.CHARACTERS)),
                scores.chance(),
                scores.right(Norm.NONE),
                scores.right(Norm.CHARACTERS),
                margin,
                List.of());
    }

    private static Choice written(GenerationScores scores) {
        List<String> answers =
                scores.answers().stream().map(turns -> turns.getLast().text()).toList();
        double[] none = {};
        return new Choice(Figure.of(scores.accuracy()), null, 0, scores.right(), none, none, answers);
    }

    private static double margin(ChoiceScores scores, int item) {
        double[] all = scores.logLikelihood()[item];
        int gold = scores.items().get(item).gold();
        double best = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < all.length; i++) {
            if (i != gold) {
                best = Math.max(best, all[i]);
            }
        }
        return all.length == 1 ? all[0] : all[gold] - best;
    }
}
