package dev.halftone.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * A metadata value of a GGUF file: the number of its type, then its bytes. Source: ggml docs/gguf.md.
 *
 * @param bytes as they lie in a file behind the key
 */
public record GgufValue(MemorySegment bytes) {
    private static final int INT32 = 5;
    private static final int UINT32 = 4;
    private static final int FLOAT32 = 6;
    private static final int BOOL = 7;
    private static final int STRING = 8;
    private static final int ARRAY = 9;

    private static GgufValue of(byte[] bytes) {
        return new GgufValue(MemorySegment.ofArray(bytes));
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(LITTLE_ENDIAN);
    }

    /** An unsigned number of 32 bits. */
    public static GgufValue u32(long value) {
        if (value < 0 || value > 0xFFFF_FFFFL) {
            throw new IllegalArgumentException("no unsigned 32-bit number: " + value);
        }
        return of(buffer(8).putInt(UINT32).putInt((int) value).array());
    }

    public static GgufValue f32(float value) {
        return of(buffer(8).putInt(FLOAT32).putFloat(value).array());
    }

    public static GgufValue bool(boolean value) {
        return of(buffer(5).putInt(BOOL).put((byte) (value ? 1 : 0)).array());
    }

    public static GgufValue string(String value) {
        byte[] text = text(value);
        return of(buffer(4 + text.length).putInt(STRING).put(text).array());
    }

    public static GgufValue strings(List<String> values) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(arrayHead(STRING, values.size()));
        values.forEach(value -> out.writeBytes(text(value)));
        return of(out.toByteArray());
    }

    public static GgufValue ints(int[] values) {
        byte[] bytes = new byte[16 + Integer.BYTES * values.length];
        ByteBuffer out = ByteBuffer.wrap(bytes).order(LITTLE_ENDIAN).put(arrayHead(INT32, values.length));
        for (int value : values) {
            out.putInt(value);
        }
        return of(bytes);
    }

    public static GgufValue bools(List<Boolean> values) {
        byte[] head = arrayHead(BOOL, values.size());
        byte[] bytes = Arrays.copyOf(head, head.length + values.size());
        for (int i = 0; i < values.size(); i++) {
            bytes[head.length + i] = (byte) (values.get(i) ? 1 : 0);
        }
        return of(bytes);
    }

    private static byte[] arrayHead(int type, int count) {
        return buffer(16).putInt(ARRAY).putInt(type).putLong(count).array();
    }

    /** Length and UTF-8, as keys and names are stored too. */
    static byte[] text(String value) {
        if (!Tensors.isText(value)) {
            throw new IllegalArgumentException("not Unicode text: " + Findings.printable(value));
        }
        byte[] utf8 = value.getBytes(UTF_8);
        return buffer(8 + utf8.length).putLong(utf8.length).put(utf8).array();
    }
}
