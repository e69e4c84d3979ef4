package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.text.TextTokenizer;
import java.util.Arrays;

/**
 * Contexts and continuations to windows, by the rules of EleutherAI's lm-evaluation-harness (lm_eval/api/model.py and
 * models/huggingface.py), so that the same tokens are scored.
 *
 * <p>White space at the end of the context moves to the continuation. Scored are the tokens of the whole text beyond as many as
 * the context alone has: not the tokens of the continuation alone, which may be others.
 *
 * @param bos id that is put in front of every text, or -1
 * @param prefix id that stands for an empty context: BOS, else EOS, else -1
 * @param contextLength most tokens that the model reads at once; what is too long loses its beginning
 */
public record ChoiceEncoder(TextTokenizer tokenizer, int bos, int prefix, int contextLength) {
    /** With BOS, else EOS, for an empty context. */
    public static ChoiceEncoder of(TextTokenizer tokenizer, int bos, int contextLength) {
        int prefix = tokenizer.bosId() >= 0 ? tokenizer.bosId() : tokenizer.eosId();
        return new ChoiceEncoder(tokenizer, bos, bos >= 0 ? bos : prefix, contextLength);
    }

    /**
     * @param truncated tokens that were cut off in front
     */
    record Encoded(Window window, int truncated) {}

    /**
     * @param place of the item, for messages
     * @throws InputException HT-616 if nothing is left to score, HT-617 if the continuation is longer than the model reads,
     *     HT-618 if the context is empty and no token can stand for it
     */
    Encoded encode(ChoiceItem.Option option, String place) {
        int end = contentEnd(option.context());
        String context = option.context().substring(0, end);
        String continuation = option.context().substring(end) + option.continuation();
        int[] whole;
        int known;
        if (context.isEmpty()) {
            if (prefix < 0) {
                throw new InputException(
                        "HT-618",
                        place,
                        "the context is empty, and the model has neither BOS nor EOS to stand for it",
                        "give every item a context");
            }
            whole = startingWith(prefix, tokenizer.encode(continuation));
            known = 1;
        } else {
            whole = startingWith(bos, tokenizer.encode(context + continuation));
            known = startingWith(bos, tokenizer.encode(context)).length;
        }
        int scored = whole.length - known;
        if (scored < 1) {
            throw new InputException(
                    "HT-616", place, "\"" + continuation + "\" adds no token to its context", "give a longer choice");
        }
        if (scored > contextLength) {
            throw new InputException(
                    "HT-617",
                    place,
                    "a choice has %d tokens; the model reads %d at once".formatted(scored, contextLength),
                    "shorten it");
        }
        // The last token is predicted, not read.
        int truncated = Math.max(0, whole.length - contextLength - 1);
        int[] tokens = Arrays.copyOfRange(whole, truncated, whole.length);
        return new Encoded(new Window(tokens, tokens.length - scored), truncated);
    }

    /** A text that writes its own BOS does not get a second one. */
    static int[] startingWith(int id, int[] tokens) {
        if (id < 0 || (tokens.length > 0 && tokens[0] == id)) {
            return tokens;
        }
        int[] result = new int[tokens.length + 1];
        result[0] = id;
        System.arraycopy(tokens, 0, result, 1, tokens.length);
        return result;
    }

    /** Where the white space at the end of a text begins. */
    private static int contentEnd(String text) {
        int end = text.length();
        while (end > 0 && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return end;
    }

    /** What Python's {@code str.isspace} accepts, all of it below U+10000; Java leaves out the no-break spaces and NEL. */
    static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
    }
}
