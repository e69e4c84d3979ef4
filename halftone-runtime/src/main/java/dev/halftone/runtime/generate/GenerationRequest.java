package dev.halftone.runtime.generate;

import dev.halftone.error.InputException;
import java.util.List;

/**
 * A text to be continued.
 *
 * @param prompt at least one token
 * @param mostTokens the answer ends with so many; 0 if the prompt is only to be scored
 * @param choice number of this generation among those of its request, which makes its random numbers other ones
 * @param stops strings that end the answer and are no part of it, none empty
 * @param scorePrompt true if the prompt's tokens are to be scored too
 * @param alternatives how many most probable tokens are told beside each, or -1 if tokens are not scored
 */
public record GenerationRequest(
        int[] prompt,
        int mostTokens,
        Sampling sampling,
        int choice,
        List<String> stops,
        boolean scorePrompt,
        int alternatives) {
    /** A plain one. */
    public static GenerationRequest of(int[] prompt, int mostTokens, Sampling sampling, List<String> stops) {
        return new GenerationRequest(prompt, mostTokens, sampling, 0, stops, false, -1);
    }

    /** Positions of the sequence: the last token is written, not read. */
    public int room() {
        return prompt.length + Math.max(0, mostTokens - 1);
    }

    /**
     * Checks it against a model.
     *
     * @throws InputException HT-939 for an empty prompt, HT-940 for a token that the model does not have, HT-941 if it does not fit
     *     into the context
     */
    public GenerationRequest checked(TextModel model) {
        if (prompt.length == 0) {
            throw new InputException("HT-939", "prompt", "has no token to continue", "write something");
        }
        int vocabulary = model.engine().vocabulary();
        for (int id : prompt) {
            if (id < 0 || id >= vocabulary) {
                throw new InputException(
                        "HT-940", "prompt", "token %d; the model has 0 to %d".formatted(id, vocabulary - 1), "");
            }
        }
        if (room() > model.contextLength()) {
            throw new InputException(
                    "HT-941",
                    "prompt",
                    "has %d tokens, and the answer may have %d; the context holds %d"
                            .formatted(prompt.length, mostTokens, model.contextLength()),
                    "shorten it, or ask for fewer tokens");
        }
        return this;
    }
}
