package dev.halftone.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.halftone.error.InputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads a GGUF header forward. No length or count is believed before it was compared with the bytes that remain, and the
 * header as a whole is bounded, so that nothing in a file can make the reader allocate more than a small multiple of it.
 */
final class GgufCursor {
    /** Bytes of metadata and tensor list together. A tokenizer of 256,000 entries takes about 10 MB. */
    static final long LONGEST_HEADER = 256L << 20;

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private final String file;
    private final MemorySegment bytes;
    private final long limit;
    private long position;

    GgufCursor(String file, MemorySegment bytes) {
        this.file = file;
        this.bytes = bytes;
        this.limit = Math.min(bytes.byteSize(), LONGEST_HEADER);
    }

    long position() {
        return position;
    }

    /** What was read since a position. */
    MemorySegment since(long from) {
        return bytes.asSlice(from, position - from);
    }

    byte u8(String what) {
        return bytes.get(ValueLayout.JAVA_BYTE, advance(1, what));
    }

    short u16(String what) {
        return bytes.get(SHORT, advance(2, what));
    }

    int u32(String what) {
        return bytes.get(INT, advance(4, what));
    }

    long u64(String what) {
        return bytes.get(LONG, advance(8, what));
    }

    /** A count of things that take at least {@code leastBytes} each. */
    int count(long leastBytes, String what) {
        long count = u64(what);
        if (count < 0 || count > (limit - position) / leastBytes) {
            throw tooLong(what, "%s entries of at least %d bytes".formatted(Long.toUnsignedString(count), leastBytes));
        }
        return Math.toIntExact(count);
    }

    /** u64 length, then UTF-8 without NUL. */
    String string(String what) {
        long length = u64(what);
        if (length < 0 || length > limit - position) {
            throw tooLong(what, Long.toUnsignedString(length) + " bytes");
        }
        byte[] utf8 = new byte[Math.toIntExact(length)];
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, advance(length, what), utf8, 0, utf8.length);
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(utf8))
                    .toString();
            if (text.indexOf('\0') >= 0) {
                throw Findings.error("HT-223", file, what + " holds a NUL byte", "write the file again");
            }
            return text;
        } catch (CharacterCodingException e) {
            throw Findings.error("HT-223", file, what + " is not UTF-8", "write the file again");
        }
    }

    private long advance(long length, String what) {
        if (length > limit - position) {
            throw tooLong(what, length + " bytes");
        }
        long at = position;
        position += length;
        return at;
    }

    private InputException tooLong(String what, String wanted) {
        boolean atEnd = limit == bytes.byteSize();
        return Findings.error(
                "HT-222",
                file,
                "%s needs %s at byte %d, but the %s %d"
                        .formatted(
                                what,
                                wanted,
                                position,
                                atEnd ? "file ends at byte" : "header may not pass byte",
                                limit),
                "the file is cut off or damaged: download it again");
    }
}
