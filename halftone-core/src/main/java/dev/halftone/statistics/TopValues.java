package dev.halftone.statistics;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The values of largest magnitude, and where they were; equal magnitudes in the order of their places. */
public final class TopValues {
    private static final Comparator<Entry> ORDER = Comparator.<Entry>comparingDouble(entry -> -Math.abs(entry.value))
            .thenComparingInt(Entry::sequence)
            .thenComparingInt(Entry::position)
            .thenComparingInt(Entry::channel);

    private final int capacity;
    private final List<Entry> entries = new ArrayList<>();

    /**
     * A value and its place.
     *
     * @param token id at that position
     */
    public record Entry(float value, int sequence, int position, int channel, int token) {}

    /** @param capacity number of values kept */
    public TopValues(int capacity) {
        this.capacity = capacity;
    }

    /** Largest first. */
    public List<Entry> entries() {
        return List.copyOf(entries);
    }

    /** True if a token of that largest magnitude has a value to keep. */
    boolean takes(double largest) {
        return largest > bar();
    }

    /** Offers the values of one token. */
    void add(float[] x, int at, int channels, int sequence, int position, int token) {
        float bar = bar();
        for (int c = 0; c < channels; c++) {
            float value = x[at + c];
            // False for NaN too.
            if (Math.abs(value) > bar && Float.isFinite(value)) {
                add(new Entry(value, sequence, position, c, token));
                bar = bar();
            }
        }
    }

    /** A magnitude must be above it to be kept, were it the first of its kind. */
    private float bar() {
        return entries.size() < capacity ? -1 : capacity == 0 ? Float.MAX_VALUE : Math.abs(entries.getLast().value);
    }

    void add(Entry entry) {
        int at = entries.size();
        while (at > 0 && ORDER.compare(entry, entries.get(at - 1)) < 0) {
            at--;
        }
        entries.add(at, entry);
        if (entries.size() > capacity) {
            entries.removeLast();
        }
    }

    /** Adds another's values. */
    public void merge(TopValues other) {
        other.entries.forEach(this::add);
    }
}
