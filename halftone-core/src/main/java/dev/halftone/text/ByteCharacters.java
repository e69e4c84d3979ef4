package dev.halftone.text;

/** GPT-2's printable stand-ins for bytes, so that a vocabulary of bytes can be a list of strings. */
final class ByteCharacters {
    private ByteCharacters() {}

    /** 256 characters, by byte: Latin-1's printable ones stand for themselves, the others for U+0100 and on, in order. */
    static char[] table() {
        char[] table = new char[256];
        int next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
            table[b] = (char) (printable ? b : next++);
        }
        return table;
    }
}
