package dev.halftone.text;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The metadata of a GGUF file. */
final class GgufTestMetadata {
    private final MemorySegment bytes;
    private long at = 8;

    private GgufTestMetadata(MemorySegment bytes) {
        this.bytes = bytes;
    }

    static Map<String, Object> read(Path file) throws IOException {
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file)) {
            return new GgufTestMetadata(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena)).all();
        }
    }

    private Map<String, Object> all() {
        u64();
        long count = u64();
        Map<String, Object> values = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            String key = string();
            values.put(key, value(i32()));
        }
        return values;
    }

    private Object value(int type) {
        return switch (type) {
            case 0, 1 -> bytes.get(ValueLayout.JAVA_BYTE, at++);
            case 7 -> bytes.get(ValueLayout.JAVA_BYTE, at++) != 0;
            case 2, 3 -> {
                at += 2;
                yield bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), at - 2);
            }
            case 4, 5 -> i32();
            case 6 -> Float.intBitsToFloat(i32());
            case 8 -> string();
            case 10, 11 -> u64();
            case 12 -> Double.longBitsToDouble(u64());
            case 9 -> {
                int item = i32();
                long count = u64();
                List<Object> list = new ArrayList<>();
                for (long i = 0; i < count; i++) {
                    list.add(value(item));
                }
                yield list;
            }
            default -> throw new IllegalArgumentException("type " + type);
        };
    }

    private int i32() {
        at += 4;
        return bytes.get(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), at - 4);
    }

    private long u64() {
        at += 8;
        return bytes.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), at - 8);
    }

    private String string() {
        int length = Math.toIntExact(u64());
        at += length;
        return new String(bytes.asSlice(at - length, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }
}
