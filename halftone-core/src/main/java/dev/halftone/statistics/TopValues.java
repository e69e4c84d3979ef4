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

    /** True if a value of that magnitude would be kept, were it the first of its kind. */
    boolean takes(double magnitude) {
        return entries.size() < capacity || (capacity > 0 && magnitude > Math.abs(entries.getLast().value));
    }

    /** Offers the values of one token. */
    void add(float[] x, int at, int channels, int sequence, int position, int token) {
        for (int c = 0; c < channels; c++) {
            if (Float.isFinite(x[at + c]) && takes(Math.abs(x[at + c]))) {
                add(new Entry(x[at + c], sequence, position, c, token));
            }
        }
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
