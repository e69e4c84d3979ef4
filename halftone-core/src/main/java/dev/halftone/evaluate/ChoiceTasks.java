package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Tasks from local files in the form in which their data sets are published, with lm-evaluation-harness' prompts. Nothing is
 * downloaded. The flattened records of the Hugging Face hub, saved as JSON lines, are read as well.
 */
public final class ChoiceTasks {
    /** UNIX_LINES: as in Python, a dot is anything but a line feed. */
    private static final Pattern BRACKETS = Pattern.compile("\\[.*?\\]", Pattern.UNIX_LINES);

    static final String KINDS = "custom, piqa, hellaswag, arc, arc_easy, arc_challenge, winogrande, boolq,"
            + " openbookqa, sciq, lambada, lambada_openai, lambada_standard, minimal_pairs, next_sentence, lines_choice";

    private ChoiceTasks() {}

    /**
     * A task read whole.
     *
     * @param name the file's name without its extension
     * @param kind as the user wrote it
     * @param files what was read
     */
    public record Task(String name, String kind, List<Path> files, List<ChoiceItem> items) implements EvaluationTask {
        /** True if the items are clozes; they are all of one sort. */
        public boolean cloze() {
            return items.getFirst().cloze();
        }
    }

    /** True if tasks of this kind are scored by log-likelihoods. */
    static boolean knows(String kind) {
        return List.of(KINDS.split(", ")).contains(kind) || TrustTasks.KINDS.contains(kind);
    }

    /**
     * Reads a file.
     *
     * @throws InputException HT-611 to HT-615 and HT-619
     */
    static Task read(String kind, Path file) {
        List<Path> files = new ArrayList<>(List.of(file));
        List<ChoiceItem> items = switch (kind) {
            case "custom" -> custom(file);
            case "piqa" -> piqa(file, files);
            case "hellaswag" -> map(file, ChoiceTasks::hellaswag);
            case "arc", "arc_easy", "arc_challenge" -> map(file, e -> lettered(e, "Question: %s\nAnswer:"));
            case "winogrande" -> map(file, ChoiceTasks::winogrande);
            case "boolq" -> map(file, ChoiceTasks::boolq);
            case "openbookqa" -> map(file, e -> lettered(e, "%s"));
            case "sciq" -> map(file, ChoiceTasks::sciq);
            case "lambada", "lambada_openai", "lambada_standard" -> lambada(file);
            case "minimal_pairs" -> map(file, ChoiceTasks::minimalPair);
            case "next_sentence" -> map(file, ChoiceTasks::nextSentence);
            case "lines_choice" -> map(file, Retrieval::choice);
            default -> TrustTasks.read(kind, file, files);
        };
        return new Task(EvaluationTask.name(file), kind, List.copyOf(files), items);
    }

    private static List<ChoiceItem> map(Path file, Function<TaskEntry, ChoiceItem> reader) {
        return TaskFile.entries(file).stream().map(reader).toList();
    }

    private static List<ChoiceItem> custom(Path file) {
        List<ChoiceItem> items = map(file, ChoiceTasks::custom);
        for (ChoiceItem item : items) {
            if (item.cloze() != items.getFirst().cloze()) {
                throw new InputException(
                        "HT-619",
                        item.place(),
                        "items with choices and items with a target in one file",
                        "make two files of it: their figures mean different things");
            }
        }
        return items;
    }

    private static ChoiceItem custom(TaskEntry e) {
        String context = e.text("context");
        if (e.has("target") && !e.has("choices")) {
            String target = e.text("target");
            return ChoiceItem.ofCloze(e.place(), context, spaced(context, target) ? "" : ChoiceItem.DELIMITER, target);
        }
        List<String> choices = e.texts("choices");
        return ChoiceItem.ofChoices(e.place(), context, choices, e.checkedGold(e.integer("gold"), choices.size()));
    }

    /** True if white space stands between the texts already, or there is nothing to part. */
    private static boolean spaced(String context, String target) {
        return context.isEmpty()
                || target.isEmpty()
                || ChoiceEncoder.isSpace(context.charAt(context.length() - 1))
                || ChoiceEncoder.isSpace(target.charAt(0));
    }

    /** The answers stand in the records, or in {@code NAME-labels.lst} beside {@code NAME.jsonl}. */
    private static List<ChoiceItem> piqa(Path file, List<Path> files) {
        List<TaskEntry> entries = TaskFile.entries(file);
        if (entries.getFirst().has("label")) {
            return entries.stream().map(e -> piqa(e, e.integer("label"))).toList();
        }
        Path answers =
                file.resolveSibling(String.valueOf(file.getFileName()).replaceFirst("\\.jsonl?$", "") + "-labels.lst");
        if (!Files.isRegularFile(answers)) {
            throw new InputException(
                    "HT-614",
                    file.toString(),
                    "has no \"label\", and there is no " + answers.getFileName() + " beside it",
                    "put the data set's file of labels there");
        }
        List<TaskFile.Line> lines = TaskFile.lines(answers);
        if (lines.size() != entries.size()) {
            throw new InputException(
                    "HT-614",
                    answers.toString(),
                    "%d labels for %d items".formatted(lines.size(), entries.size()),
                    "take both files from one data set");
        }
        files.add(answers);
        List<ChoiceItem> items = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).text().strip();
            if (!line.equals("0") && !line.equals("1")) {
                throw new InputException(
                        "HT-614", lines.get(i).place(), "\"" + line + "\" is no label; expected 0 or 1", "");
            }
            items.add(piqa(entries.get(i), Integer.parseInt(line)));
        }
        return items;
    }

    private static ChoiceItem piqa(TaskEntry e, int label) {
        return ChoiceItem.ofChoices(
                e.place(),
                "Question: " + e.text("goal") + "\nAnswer:",
                List.of(e.text("sol1"), e.text("sol2")),
                e.checkedGold(label, 2));
    }

    /** BLiMP's records: which of two sentences is likelier, from nothing. */
    private static ChoiceItem minimalPair(TaskEntry e) {
        List<String> sentences = List.of(e.text("sentence_good"), e.text("sentence_bad"));
        return new ChoiceItem(
                e.place(),
                sentences.stream()
                        .map(sentence -> new ChoiceItem.Option("", "", sentence))
                        .toList(),
                0);
    }

    /** Which of some sentences follows. */
    private static ChoiceItem nextSentence(TaskEntry e) {
        List<String> endings = e.texts("endings");
        return ChoiceItem.ofChoices(
                e.place(), e.text("context"), endings, e.checkedGold(e.integer("label"), endings.size()));
    }

    private static ChoiceItem hellaswag(TaskEntry e) {
        List<String> endings =
                e.texts("endings").stream().map(ChoiceTasks::cleaned).toList();
        String context = e.text("activity_label") + ": " + e.text("ctx_a") + " " + capitalized(e.text("ctx_b"));
        return ChoiceItem.ofChoices(
                e.place(), cleaned(context), endings, e.checkedGold(e.integer("label"), endings.size()));
    }

    /** WikiHow's marks taken out, in the harness' order. */
    private static String cleaned(String text) {
        int from = 0;
        int to = text.length();
        while (from < to && ChoiceEncoder.isSpace(text.charAt(from))) {
            from++;
        }
        while (to > from && ChoiceEncoder.isSpace(text.charAt(to - 1))) {
            to--;
        }
        String titled = text.substring(from, to).replace(" [title]", ". ");
        return BRACKETS.matcher(titled).replaceAll("").replace("  ", " ");
    }

    /** Python's {@code capitalize}: all letters but the first become small ones. */
    private static String capitalized(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.codePointAt(0);
        return Character.toString(Character.toTitleCase(first))
                + text.substring(Character.charCount(first)).toLowerCase(Locale.ROOT);
    }

    /**
     * ARC and OpenBookQA: choices with labels, the right label as {@code answerKey}. Published files nest stem and choices in
     * "question"; the hub's records have a string there (or in "question_stem") and the choices as two arrays.
     */
    private static ChoiceItem lettered(TaskEntry e, String prompt) {
        boolean nested = e.isObject("question");
        TaskEntry holder = nested ? e.object("question") : e;
        String question = nested ? holder.text("stem") : e.text(e.has("question_stem") ? "question_stem" : "question");
        List<String> texts;
        List<String> labels;
        if (holder.isArray("choices")) {
            List<TaskEntry> choices = holder.objects("choices");
            texts = choices.stream().map(choice -> choice.text("text")).toList();
            labels = choices.stream().map(choice -> choice.text("label")).toList();
        } else {
            texts = holder.object("choices").texts("text");
            labels = holder.object("choices").texts("label");
        }
        String key = e.text("answerKey").strip();
        int gold = labels.indexOf(key);
        if (gold < 0 || texts.size() != labels.size() || texts.size() < 2) {
            throw new InputException(
                    "HT-613",
                    e.place(),
                    "the right answer is \"%s\"; the %d choices are labelled %s".formatted(key, texts.size(), labels),
                    "correct the line");
        }
        return ChoiceItem.ofChoices(e.place(), prompt.formatted(question), texts, gold);
    }

    /** Partial scoring: both contexts end with an option; scored is the same rest of the sentence. */
    private static ChoiceItem winogrande(TaskEntry e) {
        String sentence = e.text("sentence");
        int blank = sentence.indexOf('_');
        if (blank < 0) {
            throw new InputException("HT-612", e.place(), "\"sentence\" has no \"_\"", "correct the line");
        }
        String before = sentence.substring(0, blank);
        List<String> contexts = List.of(before + e.text("option1"), before + e.text("option2"));
        String rest = sentence.substring(blank + 1).strip();
        return ChoiceItem.ofContexts(e.place(), contexts, rest, e.checkedGold(e.integer("answer") - 1, 2));
    }

    private static ChoiceItem boolq(TaskEntry e) {
        boolean answer = e.truth(e.has("answer") ? "answer" : "label");
        return ChoiceItem.ofChoices(
                e.place(),
                e.text("passage") + "\nQuestion: " + e.text("question") + "?\nAnswer:",
                List.of("no", "yes"),
                answer ? 1 : 0);
    }

    private static ChoiceItem sciq(TaskEntry e) {
        String support = e.has("support") ? e.text("support").stripLeading() : "";
        return ChoiceItem.ofChoices(
                e.place(),
                support + "\nQuestion: " + e.text("question") + "\nAnswer:",
                List.of(e.text("distractor1"), e.text("distractor2"), e.text("distractor3"), e.text("correct_answer")),
                3);
    }

    /** JSON lines with "text", or one passage per line. */
    private static List<ChoiceItem> lambada(Path file) {
        List<TaskFile.Line> lines = TaskFile.lines(file);
        if (lines.isEmpty() || lines.getFirst().text().matches("\\s*[{\\[].*")) {
            return map(file, e -> lastWord(e.text("text"), e.place()));
        }
        return lines.stream().map(line -> lastWord(line.text(), line.place())).toList();
    }

    private static ChoiceItem lastWord(String passage, String place) {
        String text = passage.stripTrailing();
        int space = text.lastIndexOf(' ');
        if (space < 1) {
            throw new InputException(
                    "HT-612", place, "the passage has only one word", "expected a passage with a last word");
        }
        return ChoiceItem.ofCloze(place, text.substring(0, space), ChoiceItem.DELIMITER, text.substring(space + 1));
    }
}
