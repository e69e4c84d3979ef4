package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import java.util.Arrays;

/**
 * The n-grams of one order: (id of the context, token) to an id, ids in order of first appearance from 1. Open addressing over
 * packed longs, at most two thirds full: 12 bytes per slot, where a boxed map takes some 80 per entry.
 */
final class NgramTable {
    private static final long FREE = -1;
    private static final int FIRST_BITS = 10;
    private static final int MAX_SLOTS = 1 << 30;

    private int bits = FIRST_BITS;
    private long[] keys = filled(1 << FIRST_BITS);
    private int[] ids = new int[1 << FIRST_BITS];
    private int size;

    /** How many n-grams there are; ids go from 1 to it. */
    int size() {
        return size;
    }

    /** The id, or -1 if the n-gram is not there. */
    int find(int context, int token) {
        int slot = slot(key(context, token));
        return keys[slot] == FREE ? -1 : ids[slot];
    }

    /**
     * The id; {@link #size} is one larger afterwards if the n-gram was not there.
     *
     * @throws InputException HT-631 if no array can hold the n-grams
     */
    int findOrAdd(int context, int token) {
        long key = key(context, token);
        int slot = slot(key);
        if (keys[slot] != FREE) {
            return ids[slot];
        }
        if (3L * (size + 1) > 2L * keys.length) {
            grow();
            slot = slot(key);
        }
        keys[slot] = key;
        ids[slot] = ++size;
        return size;
    }

    /** The context of every n-gram, by id; index 0 is not used. */
    int[] contexts() {
        int[] result = new int[size + 1];
        for (int slot = 0; slot < keys.length; slot++) {
            if (keys[slot] != FREE) {
                result[ids[slot]] = (int) (keys[slot] >>> 32);
            }
        }
        return result;
    }

    /** Neither half is negative, so no key is FREE. */
    private static long key(int context, int token) {
        return ((long) context << 32) | token;
    }

    /** Where the key is, or the free slot where it belongs. */
    private int slot(long key) {
        // Fibonacci hashing: the upper bits of the product depend on all bits of the key.
        int slot = (int) (((key ^ (key >>> 32)) * 0x9E3779B97F4A7C15L) >>> (64 - bits));
        while (keys[slot] != FREE && keys[slot] != key) {
            slot = (slot + 1) & (keys.length - 1);
        }
        return slot;
    }

    private void grow() {
        if (keys.length == MAX_SLOTS) {
            throw new InputException(
                    "HT-631",
                    "texts",
                    "have more than " + size + " different n-grams of one order",
                    "train on fewer texts, or use a lower order");
        }
        long[] oldKeys = keys;
        int[] oldIds = ids;
        bits++;
        keys = filled(2 * oldKeys.length);
        ids = new int[keys.length];
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldKeys[i] != FREE) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                ids[slot] = oldIds[i];
            }
        }
    }

    private static long[] filled(int length) {
        long[] result = new long[length];
        Arrays.fill(result, FREE);
        return result;
    }
}
