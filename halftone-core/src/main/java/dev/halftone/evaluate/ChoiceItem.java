package dev.halftone.evaluate;

import java.util.List;

/**
 * A question that a model answers by the log-likelihood of texts: one of several options is right, or the single option (a
 * cloze) counts as solved if every token of it is the model's most probable one.
 *
 * @param place file and line, for messages
 * @param options usually one context with several choices; several contexts with one choice where only the context differs
 * @param gold index of the right option
 */
public record ChoiceItem(String place, List<Option> options, int gold) {
    /** What stands between a context and a choice unless a format says otherwise. */
    static final String DELIMITER = " ";

    /**
     * A text to score after a context.
     *
     * @param delimiter scored with the choice, but no part of its length
     */
    public record Option(String context, String delimiter, String choice) {
        /** What is scored. */
        public String continuation() {
            return delimiter + choice;
        }
    }

    public ChoiceItem {
        options = List.copyOf(options);
        if (gold < 0 || gold >= options.size()) {
            throw new IllegalArgumentException(place + ": gold " + gold + " of " + options.size());
        }
    }

    /** A context and its continuations. */
    public static ChoiceItem ofChoices(String place, String context, List<String> choices, int gold) {
        return new ChoiceItem(
                place,
                choices.stream()
                        .map(choice -> new Option(context, DELIMITER, choice))
                        .toList(),
                gold);
    }

    /** Contexts with one continuation. */
    public static ChoiceItem ofContexts(String place, List<String> contexts, String continuation, int gold) {
        return new ChoiceItem(
                place,
                contexts.stream()
                        .map(context -> new Option(context, DELIMITER, continuation))
                        .toList(),
                gold);
    }

    /** A context and the text that should follow. */
    public static ChoiceItem ofCloze(String place, String context, String delimiter, String target) {
        return new ChoiceItem(place, List.of(new Option(context, delimiter, target)), 0);
    }

    /** True if there is nothing to choose between. */
    public boolean cloze() {
        return options.size() == 1;
    }
}
