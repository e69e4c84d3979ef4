package dev.halftone.checkpoint;

import dev.halftone.error.InputException;

/** Makes input errors whose text is one line whatever the file holds: names come from untrusted files. */
final class Findings {
    private static final int LONGEST = 240;

    private Findings() {}

    static InputException error(String code, String place, String finding, String remedy) {
        return new InputException(code, printable(place), printable(finding), remedy);
    }

    /** Control and format characters escaped, long text cut. */
    static String printable(String text) {
        StringBuilder out = new StringBuilder(Math.min(text.length(), LONGEST));
        for (int i = 0; i < text.length(); ) {
            if (out.length() >= LONGEST) {
                return out.append("...").toString();
            }
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            switch (Character.getType(c)) {
                case Character.CONTROL,
                        Character.FORMAT,
                        Character.SURROGATE,
                        Character.LINE_SEPARATOR,
                        Character.PARAGRAPH_SEPARATOR -> out.append("\\u%04x".formatted(c));
                default -> out.appendCodePoint(c);
            }
        }
        return out.toString();
    }
}
