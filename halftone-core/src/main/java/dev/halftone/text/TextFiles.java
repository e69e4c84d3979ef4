package dev.halftone.text;

import dev.halftone.error.InputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Text files as they are: UTF-8, line ends and a byte order mark kept. */
public final class TextFiles {
    private TextFiles() {}

    /**
     * The whole file.
     *
     * @throws InputException HT-265 if it cannot be read, HT-266 if it is empty, HT-267 if it is not UTF-8
     */
    public static String read(Path file) {
        byte[] bytes = bytes(file);
        if (bytes.length == 0) {
            throw new InputException(
                    "HT-266", file.toString(), "the file is empty; expected text", "name another text file");
        }
        return decode(bytes, file.toString());
    }

    private static byte[] bytes(Path file) {
        if (!Files.isRegularFile(file)) {
            String found = Files.isDirectory(file) ? "is a directory" : "no such file";
            throw unreadable(file, found);
        }
        try {
            long size = Files.size(file);
            if (size > Integer.MAX_VALUE - 8) {
                throw unreadable(file, size + " bytes, and texts are read whole, up to 2 GiB");
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw unreadable(file, "cannot be read (" + e + ")");
        }
    }

    private static InputException unreadable(Path file, String found) {
        return new InputException(
                "HT-265", file.toString(), found + "; expected a text file", "check the path, or split the file");
    }

    /** {@code place} is what an error names. */
    static String decode(byte[] bytes, String place) {
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length); // a char takes at least one byte
        CoderResult result = decoder.decode(in, out, true);
        if (result.isError()) {
            throw new InputException(
                    "HT-267",
                    place,
                    "byte 0x%02X at offset %d is not UTF-8".formatted(bytes[in.position()] & 0xFF, in.position()),
                    "convert the file to UTF-8");
        }
        return out.flip().toString();
    }
}
