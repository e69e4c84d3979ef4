package dev.halftone.evaluate;

import java.util.List;

/**
 * A prompt that a model continues by greedy decoding, and what a right answer is.
 *
 * @param place file and line, for messages
 * @param turns the prompt; of a dialogue, what is put behind the model's own answer after that
 * @param expected what {@code rule} looks for
 * @param stops texts at which an answer ends, which are no part of it
 * @param mostTokens of one answer
 */
public record GenerationItem(
        String place, List<String> turns, List<String> expected, AnswerRule rule, List<String> stops, int mostTokens) {
    public GenerationItem {
        turns = List.copyOf(turns);
        expected = List.copyOf(expected);
        stops = List.copyOf(stops);
    }

    /** A single prompt. */
    static GenerationItem of(
            String place, String prompt, List<String> expected, AnswerRule rule, List<String> stops, int mostTokens) {
        return new GenerationItem(place, List.of(prompt), expected, rule, stops, mostTokens);
    }
}
