package dev.halftone.calibration;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/** Random characters, tokenised: {@link CalibrationSource.Punctuation} and {@link CalibrationSource.Ascii}. */
final class CharacterSequences {
    /** ! to /, : to @, [ to `, { to ~. */
    static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /**
     * Characters drawn per token wanted. A vocabulary's merges of random characters are short, so eight are more than enough, and
     * the end of the text, where a token may be cut, is never reached.
     */
    private static final int CHARACTERS_PER_TOKEN = 8;

    private CharacterSequences() {}

    static List<int[]> punctuation(Request request) {
        return draw("punctuation", PUNCTUATION, request);
    }

    static List<int[]> ascii(Request request) {
        StringBuilder printable = new StringBuilder();
        for (char c = ' '; c <= '~'; c++) {
            printable.append(c);
        }
        return draw("ascii", printable.toString(), request);
    }

    private static List<int[]> draw(String name, String alphabet, Request request) {
        int characters = Math.multiplyExact(CHARACTERS_PER_TOKEN, request.length());
        List<int[]> sequences = new ArrayList<>();
        for (int k = 0; k < request.samples(); k++) {
            int[] tokens = request.tokenizer().encode(text(alphabet, characters, request.random(name, k)));
            if (tokens.length < request.length()) {
                throw new InputException(
                        "HT-446",
                        "calibration source " + name,
                        "%d characters gave %d tokens; a sequence needs %d"
                                .formatted(characters, tokens.length, request.length()),
                        "this tokenizer does not know these characters: use another source");
            }
            sequences.add(Arrays.copyOf(tokens, request.length()));
        }
        return sequences;
    }

    /** Characters i.i.d. uniform over the alphabet. */
    static String text(String alphabet, int characters, RandomGenerator random) {
        StringBuilder text = new StringBuilder(characters);
        for (int i = 0; i < characters; i++) {
            text.append(alphabet.charAt(random.nextInt(alphabet.length())));
        }
        return text.toString();
    }
}
