package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Tasks whose answers a model writes, from local files in the form in which their data sets are published. */
public final class GenerationTasks {
    static final String KINDS = "generate, gsm8k, gsm8k_flexible, lines, needle, lost_in_the_middle, dialogue";

    private static final int SHOTS = 5;
    private static final String TRAIN = "train.jsonl";

    private GenerationTasks() {}

    /**
     * A task read whole.
     *
     * @param name the file's name without its extension, or what was made
     * @param kind as the user wrote it
     * @param files what was read
     */
    public record Task(String name, String kind, List<Path> files, List<GenerationItem> items)
            implements EvaluationTask {
        /** True if answers are only compared with a reference's. */
        public boolean open() {
            return items.getFirst().rule() == AnswerRule.OPEN;
        }
    }

    /** True if tasks of this kind are answered by generating. */
    static boolean knows(String kind) {
        return List.of(KINDS.split(", ")).contains(kind);
    }

    /**
     * Reads a file.
     *
     * @throws InputException HT-316 for examples that are missing, HT-611 to HT-615
     */
    static Task read(String kind, Path file) {
        List<Path> files = new ArrayList<>(List.of(file));
        List<GenerationItem> items = switch (kind) {
            case "generate" -> map(file, GenerationTasks::generate);
            case "gsm8k" -> gsm8k(file, AnswerRule.MARKED_NUMBER, files);
            case "gsm8k_flexible" -> gsm8k(file, AnswerRule.LAST_NUMBER, files);
            case "lines" -> map(file, e -> lines(e.place(), e.text("prompt"), e.integer("expected_number")));
            case "needle" -> map(file, e -> needle(e.place(), e.text("input"), e.texts("outputs", 1)));
            case "lost_in_the_middle" -> map(file, GenerationTasks::lostInTheMiddle);
            case "dialogue" -> map(file, GenerationTasks::dialogue);
            default -> throw new IllegalArgumentException(kind);
        };
        return new Task(EvaluationTask.name(file), kind, List.copyOf(files), items);
    }

    private static List<GenerationItem> map(Path file, Function<TaskEntry, GenerationItem> reader) {
        return TaskFile.entries(file).stream().map(reader).toList();
    }

    private static GenerationItem generate(TaskEntry e) {
        String prompt = e.text(e.has("prompt") ? "prompt" : "context");
        List<String> targets = e.has("targets") ? e.texts("targets", 1) : List.of(e.text("target"));
        List<String> stops = e.has("stop") ? e.texts("stop", 1) : List.of("\n");
        return GenerationItem.of(e.place(), prompt, targets, AnswerRule.EXACT, stops, most(e, 32));
    }

    /** Tokens of an answer, at most. */
    private static int most(TaskEntry e, int absent) {
        int most = e.has("max_tokens") ? e.integer("max_tokens") : absent;
        if (most < 1) {
            throw new InputException("HT-612", e.place(), "\"max_tokens\" is " + most + "; expected at least 1", "");
        }
        return most;
    }

    /** Five examples with their whole answers, the first of the training file, as the harness' {@code first_n} takes them. */
    private static List<GenerationItem> gsm8k(Path file, AnswerRule rule, List<Path> files) {
        Path train = file.resolveSibling(TRAIN);
        if (!Files.isRegularFile(train)) {
            throw new InputException(
                    "HT-316",
                    file.toString(),
                    "has no " + TRAIN + " beside it, from which the %d examples are taken".formatted(SHOTS),
                    "put the data set's training file there");
        }
        files.add(train);
        String shots = TaskFile.entries(train).stream()
                .limit(SHOTS)
                .map(e -> question(e) + " " + e.text("answer") + "\n\n")
                .collect(Collectors.joining());
        List<String> stops = List.of("Question:", "</s>", "<|im_end|>");
        return map(
                file,
                e -> GenerationItem.of(e.place(), shots + question(e), List.of(e.text("answer")), rule, stops, 256));
    }

    private static String question(TaskEntry e) {
        return "Question: " + e.text("question") + "\nAnswer:";
    }

    /** LongEval's lines. */
    static GenerationItem lines(String place, String prompt, int number) {
        return GenerationItem.of(
                place, prompt, List.of(String.valueOf(number)), AnswerRule.LAST_INTEGER, List.of(), 100);
    }

    /** RULER's needles. */
    static GenerationItem needle(String place, String prompt, List<String> values) {
        return GenerationItem.of(place, prompt, values, AnswerRule.CONTAINS_SHARE, List.of(), 128);
    }

    /** The published records have the documents, not the prompt. */
    private static GenerationItem lostInTheMiddle(TaskEntry e) {
        List<TaskEntry> documents = e.objects("ctxs");
        StringBuilder prompt =
                new StringBuilder("Answer the question from the documents. Most of them do not help.\n\n");
        for (int i = 0; i < documents.size(); i++) {
            prompt.append("Document [%d] %s: %s%n"
                    .formatted(
                            i + 1,
                            documents.get(i).text("title"),
                            documents.get(i).text("text"))
                    .replace("\r\n", "\n"));
        }
        prompt.append("\nQuestion: ").append(e.text("question")).append("\nAnswer:");
        return GenerationItem.of(
                e.place(), prompt.toString(), e.texts("answers", 1), AnswerRule.CONTAINS_ANY, List.of("\n"), 100);
    }

    /** MT-bench's questions as a plain transcript, which every model can continue; a chat template is not applied. */
    private static GenerationItem dialogue(TaskEntry e) {
        List<String> turns = new ArrayList<>();
        for (String turn : e.texts("turns", 1)) {
            turns.add((turns.isEmpty() ? "" : "\n\n") + "User: " + turn + "\n\nAssistant:");
        }
        return new GenerationItem(e.place(), turns, List.of(), AnswerRule.OPEN, List.of("\n\nUser:"), most(e, 256));
    }
}
