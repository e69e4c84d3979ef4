package dev.halftone.calibration;

import dev.halftone.error.InputException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where calibration sequences come from. Text is the usual source; the others measure how much the text matters, from mild to
 * total nonsense.
 *
 * <p>Source: the axes of arXiv:2405.20835, which released no code; the definitions are those of each record.
 */
public sealed interface CalibrationSource {
    /** The names that {@link #named} knows. */
    List<String> NAMES = List.of(
            "text", "punctuation", "ascii", "tokens", "unigram", "shuffle", "repeat", "task", "language", "self");

    /** Which tokens of a text are taken. */
    enum Mode {
        /** The first windows of the joined documents, without overlap; never with BOS, as perplexity's windows of this kind. */
        FIRST,
        /** Windows of the joined documents, starts uniform: GPTQ's rule. */
        GPTQ,
        /** A random window of a random document that is long enough: the rule for C4. */
        DOCUMENT,
        /** Short documents in random order, put together and cut: AWQ's rule. T documents give fewer than T sequences. */
        PACK,
        /** The beginnings of random documents, short ones as they are: SmoothQuant's rule. */
        TRUNCATE;

        /** The name as users write it. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Documents: a .txt file is one, a .jsonl file has one a line, {"text": ...}; where joined, with an empty line between. */
    record Text(Mode mode, List<Path> files) implements CalibrationSource {}

    /** Characters i.i.d. uniform over the 32 punctuation characters of ASCII. */
    record Punctuation() implements CalibrationSource {}

    /** Characters i.i.d. uniform over the 95 printable characters of ASCII. */
    record Ascii() implements CalibrationSource {}

    /** Token ids i.i.d. uniform over the vocabulary without special tokens. */
    record Tokens() implements CalibrationSource {}

    /** Token ids i.i.d. with the frequencies that they have in a text. */
    record Unigram(List<Path> files) implements CalibrationSource {}

    /** The windows of {@link Mode#GPTQ} with the same seed, each with its tokens permuted: the marginal without the order. */
    record Shuffle(List<Path> files) implements CalibrationSource {}

    /**
     * One token, again and again, the same in all sequences.
     *
     * @param token its id; -1 for one drawn with the seed, not a special one
     */
    record Repeat(int token) implements CalibrationSource {}

    /**
     * A task's items, prompt + " " + right answer, in random order with an empty line between, put together and cut.
     *
     * @param files .jsonl, {"context": ..., "choices": [...], "gold": index} or {"context": ..., "target": ...} a line
     * @param leak also take items whose "split" is another than "train": only to measure what leaking the test gains
     */
    record Task(List<Path> files, boolean leak) implements CalibrationSource {}

    /**
     * Sentences, one a line, joined with a space from a random line on (and from the first line after the last), and cut. Files
     * whose lines are translations of one another begin at the same sentence with the same seed.
     */
    record Language(List<Path> files) implements CalibrationSource {}

    /** What the full-precision model itself says: sampled at temperature 1 from BOS. */
    record Self() implements CalibrationSource {}

    /** The source of that name with its defaults; files, where it reads some, are still to be given. */
    static CalibrationSource named(String name) {
        return switch (name) {
            case "text" -> new Text(Mode.FIRST, List.of());
            case "punctuation" -> new Punctuation();
            case "ascii" -> new Ascii();
            case "tokens" -> new Tokens();
            case "unigram" -> new Unigram(List.of());
            case "shuffle" -> new Shuffle(List.of());
            case "repeat" -> new Repeat(-1);
            case "task" -> new Task(List.of(), false);
            case "language" -> new Language(List.of());
            case "self" -> new Self();
            default ->
                throw new InputException(
                        "HT-440",
                        "calibration source",
                        "\"" + name + "\" is not known; known are " + String.join(", ", NAMES),
                        "");
        };
    }

    /** The name as users write it. */
    default String name() {
        return switch (this) {
            case Text _ -> "text";
            case Punctuation _ -> "punctuation";
            case Ascii _ -> "ascii";
            case Tokens _ -> "tokens";
            case Unigram _ -> "unigram";
            case Shuffle _ -> "shuffle";
            case Repeat _ -> "repeat";
            case Task _ -> "task";
            case Language _ -> "language";
            case Self _ -> "self";
        };
    }

    /** What else names the source in a result: a text's mode, a task's splits; null where there is nothing. */
    default @Nullable String variant() {
        return switch (this) {
            case Text(Mode mode, List<Path> _) -> mode.label();
            case Task(List<Path> _, boolean leak) -> leak ? "leak" : "train";
            case Repeat(int token) when token >= 0 -> String.valueOf(token);
            default -> null;
        };
    }

    /** The files that are read, empty if none are. */
    default List<Path> files() {
        return List.of();
    }

    /** True if the source means nothing without files. */
    default boolean readsFiles() {
        return readsText() || this instanceof Task || this instanceof Language;
    }

    /** True if the files are documents. */
    default boolean readsText() {
        return this instanceof Text || this instanceof Unigram || this instanceof Shuffle;
    }

    /**
     * The same source of other files.
     *
     * @throws InputException HT-441 if it reads none
     */
    default CalibrationSource withFiles(List<Path> files) {
        List<Path> copy = List.copyOf(files);
        return switch (this) {
            case Text(Mode mode, List<Path> _) -> new Text(mode, copy);
            case Unigram _ -> new Unigram(copy);
            case Shuffle _ -> new Shuffle(copy);
            case Task(List<Path> _, boolean leak) -> new Task(copy, leak);
            case Language _ -> new Language(copy);
            case Punctuation _, Ascii _, Tokens _, Repeat _, Self _ ->
                throw new InputException(
                        "HT-441",
                        "calibration source " + name(),
                        "reads no file, but " + files + " is given",
                        "leave out the file, or name another source");
        };
    }

    /**
     * A recipe's source changed by the command line: another source, other files. Files alone are texts, so they replace those of
     * a source that reads texts, and any other source as a whole.
     *
     * @param name null to keep the source
     * @param files empty to keep the files, as far as the new source reads files of the same kind
     */
    default CalibrationSource overridden(@Nullable String name, List<Path> files) {
        CalibrationSource chosen = this;
        if (name != null && !name.equals(name())) {
            chosen = named(name);
            if (chosen.readsText() && readsText()) {
                chosen = chosen.withFiles(files());
            }
        }
        if (files.isEmpty()) {
            return chosen;
        }
        return name == null && !chosen.readsText() ? new Text(Mode.FIRST, List.copyOf(files)) : chosen.withFiles(files);
    }
}
