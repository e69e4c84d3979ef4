package dev.halftone.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Fields of 1 to 8 bits, one after the other from the lowest bit of the first byte on. */
public final class BitStream {
    private BitStream() {}

    /** The field that begins at a bit. */
    public static int get(MemorySegment source, long bit, int bits) {
        long at = bit >> 3;
        int shift = (int) bit & 7;
        int word = source.get(ValueLayout.JAVA_BYTE, at) & 0xff;
        if (shift + bits > 8) {
            word |= (source.get(ValueLayout.JAVA_BYTE, at + 1) & 0xff) << 8;
        }
        return word >>> shift & ((1 << bits) - 1);
    }

    /** Writes a field into bits that are 0. */
    public static void put(byte[] target, long bit, int value, int bits) {
        int at = (int) (bit >> 3);
        int shift = (int) bit & 7;
        target[at] |= (byte) (value << shift);
        if (shift + bits > 8) {
            target[at + 1] |= (byte) (value << shift >>> 8);
        }
    }

    /** Writes fields one after the other into bytes that are 0, from the first bit of byte {@code at} on. */
    public static void putAll(byte[] values, int from, int count, int bits, byte[] target, int at) {
        int next = at;
        int word = 0;
        int filled = 0;
        for (int i = from; i < from + count; i++) {
            word |= (values[i] & 0xff) << filled;
            filled += bits;
            if (filled >= 8) {
                target[next++] = (byte) word;
                word >>>= 8;
                filled -= 8;
            }
        }
        if (filled > 0) {
            target[next] = (byte) word;
        }
    }

    /** Reads fields one after the other, from the first bit of byte {@code from} on. */
    public static void getAll(byte[] source, int from, int count, int bits, byte[] target) {
        int next = from;
        int word = 0;
        int filled = 0;
        int mask = (1 << bits) - 1;
        for (int i = 0; i < count; i++) {
            if (filled < bits) {
                word |= (source[next++] & 0xff) << filled;
                filled += 8;
            }
            target[i] = (byte) (word & mask);
            word >>>= bits;
            filled -= bits;
        }
    }

    /** Of 32-bit words, one per column in each row: bits 32 w to 32 w + 31 of a column's stream are in row w. */
    private static long down(long bit, long columns, long column) {
        return ((bit >> 5) * columns + column) * 32 + (bit & 31);
    }

    /** A field of a stream that runs down a column of 32-bit words. */
    public static int getDown(MemorySegment source, long bit, int bits, long columns, long column) {
        int first = (int) Math.min(bits, 32 - (bit & 31));
        int low = get(source, down(bit, columns, column), first);
        return first == bits ? low : low | get(source, down(bit + first, columns, column), bits - first) << first;
    }

    /** Writes such a field. */
    public static void putDown(byte[] target, long bit, int value, int bits, long columns, long column) {
        int first = (int) Math.min(bits, 32 - (bit & 31));
        put(target, down(bit, columns, column), value & ((1 << first) - 1), first);
        if (first < bits) {
            put(target, down(bit + first, columns, column), value >>> first, bits - first);
        }
    }
}
