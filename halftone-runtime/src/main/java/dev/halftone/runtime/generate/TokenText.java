package dev.halftone.runtime.generate;

import java.util.Arrays;
import java.util.function.Function;

/**
 * The text of a growing list of tokens, piece by piece. A token's text depends on the ones before it (white space, bytes of one
 * character), so that a few of these are decoded again with it; never all. Tokens that end inside a character wait for its rest.
 */
final class TokenText {
    /** Bytes of the longest character of UTF-8: more tokens than these that give no character never will. */
    private static final int LONGEST_CHARACTER = 4;

    private static final int BEFORE = 4;
    private static final String BROKEN = "\uFFFD";

    private final Function<int[], String> decoder;
    private int[] window;
    private int shown;
    private String known;

    /** @param before the tokens before the first one, whose text is not given */
    TokenText(Function<int[], String> decoder, int[] before) {
        this.decoder = decoder;
        this.window = Arrays.copyOfRange(before, Math.max(0, before.length - BEFORE), before.length);
        this.shown = window.length;
        this.known = decoder.apply(window);
    }

    /** Text that this token makes certain; empty while a character is incomplete. */
    String add(int id) {
        window = Arrays.copyOf(window, window.length + 1);
        window[window.length - 1] = id;
        String whole = decoder.apply(window);
        return whole.endsWith(BROKEN) && window.length - shown < LONGEST_CHARACTER ? "" : shown(whole);
    }

    /** What waited, at the end. */
    String rest() {
        return window.length == shown ? "" : shown(decoder.apply(window));
    }

    private String shown(String whole) {
        int common = 0;
        int most = Math.min(whole.length(), known.length());
        while (common < most && whole.charAt(common) == known.charAt(common)) {
            common++;
        }
        window = Arrays.copyOfRange(window, shown, window.length);
        shown = window.length;
        known = decoder.apply(window);
        return whole.substring(common);
    }
}
