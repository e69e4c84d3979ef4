package dev.halftone.checkpoint;

import dev.halftone.error.InputException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The key-value part of a GGUF header. Source: ggml docs/gguf.md.
 *
 * <p>Values become: integers up to 32 bits signed {@link Integer}; u32, i64 and u64 {@link Long} (a u64 beyond 2^63 - 1
 * {@link BigInteger}); f32 {@link Float}, f64 {@link Double}, bool {@link Boolean}, string {@link String}. Arrays become
 * {@code int[]}, {@code long[]} (u64 as its bits), {@code float[]}, {@code double[]}, {@code boolean[]} and
 * {@code List<String>} by the same rule.
 */
final class GgufMetadata {
    /** Bytes of the smallest entry: key length, type, a one-byte value. */
    static final int LEAST_BYTES = 8 + 4 + 1;

    private static final int ARRAY = 9;

    private final String file;
    private final GgufCursor in;

    private GgufMetadata(String file, GgufCursor in) {
        this.file = file;
        this.in = in;
    }

    /**
     * What a header says.
     *
     * @param values by key
     * @param stored the same as they lie in the file, for writers that pass them on
     */
    record Entries(Map<String, Object> values, Map<String, GgufValue> stored) {}

    static Entries read(String file, GgufCursor in, int count) {
        GgufMetadata reader = new GgufMetadata(file, in);
        Map<String, Object> values = new LinkedHashMap<>();
        Map<String, GgufValue> stored = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            String key = in.string("metadata key " + i);
            long from = in.position();
            int type = in.u32(key);
            Object value = type == ARRAY ? reader.array(key) : reader.scalar(key, type);
            stored.put(key, new GgufValue(in.since(from)));
            if (values.put(key, value) != null) {
                throw Findings.error(
                        "HT-225", file, "the metadata key %s occurs twice".formatted(key), "write the file again");
            }
        }
        return new Entries(Collections.unmodifiableMap(values), Collections.unmodifiableMap(stored));
    }

    private Object scalar(String key, int type) {
        return switch (type) {
            case 0 -> in.u8(key) & 0xFF;
            case 1 -> (int) in.u8(key);
            case 2 -> in.u16(key) & 0xFFFF;
            case 3 -> (int) in.u16(key);
            case 4 -> in.u32(key) & 0xFFFF_FFFFL;
            case 5 -> in.u32(key);
            case 6 -> Float.intBitsToFloat(in.u32(key));
            case 7 -> bool(key);
            case 8 -> in.string(key);
            case 10 -> unsigned(in.u64(key));
            case 11 -> in.u64(key);
            case 12 -> Double.longBitsToDouble(in.u64(key));
            default -> throw unknownType(key, type);
        };
    }

    private Object array(String key) {
        int type = in.u32(key);
        int bytes = switch (type) {
            case 0, 1, 7 -> 1;
            case 2, 3 -> 2;
            case 4, 5, 6 -> 4;
            case 8, 10, 11, 12 -> 8;
            case ARRAY ->
                throw Findings.error("HT-224", file, key + " is an array of arrays", "GGUF has no nested arrays");
            default -> throw unknownType(key, type);
        };
        int count = in.count(bytes, key);
        return switch (type) {
            case 0, 1, 2, 3, 5 -> ints(key, type, count);
            case 4, 10, 11 -> longs(key, type, count);
            case 6 -> floats(key, count);
            case 7 -> bools(key, count);
            case 8 -> strings(key, count);
            default -> doubles(key, count);
        };
    }

    private int[] ints(String key, int type, int count) {
        int[] values = new int[count];
        for (int i = 0; i < count; i++) {
            values[i] = (int) scalar(key, type);
        }
        return values;
    }

    private long[] longs(String key, int type, int count) {
        long[] values = new long[count];
        for (int i = 0; i < count; i++) {
            values[i] = type == 4 ? in.u32(key) & 0xFFFF_FFFFL : in.u64(key);
        }
        return values;
    }

    private float[] floats(String key, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = Float.intBitsToFloat(in.u32(key));
        }
        return values;
    }

    private double[] doubles(String key, int count) {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = Double.longBitsToDouble(in.u64(key));
        }
        return values;
    }

    private boolean[] bools(String key, int count) {
        boolean[] values = new boolean[count];
        for (int i = 0; i < count; i++) {
            values[i] = bool(key);
        }
        return values;
    }

    private List<String> strings(String key, int count) {
        List<String> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            values.add(in.string(key));
        }
        return Collections.unmodifiableList(values);
    }

    private boolean bool(String key) {
        byte value = in.u8(key);
        if (value != 0 && value != 1) {
            throw Findings.error(
                    "HT-224",
                    file,
                    "%s is a bool of value %d, expected 0 or 1".formatted(key, value),
                    "write the file again");
        }
        return value == 1;
    }

    private static Object unsigned(long bits) {
        if (bits >= 0) {
            return bits;
        }
        return new BigInteger(Long.toUnsignedString(bits));
    }

    private InputException unknownType(String key, int type) {
        return Findings.error(
                "HT-224",
                file,
                "%s has the value type %s, known: 0 to 12".formatted(key, Integer.toUnsignedString(type)),
                "the file is damaged, or newer than this build");
    }
}
