package dev.halftone.runtime.generate;

import java.util.List;

/** Lets a text through up to the first stop string, and holds back what might become one. */
final class StopFilter {
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    /** @param stops none of them empty */
    StopFilter(List<String> stops) {
        this.stops = stops;
    }

    /** The part of the text so far that is certain and was not given before. */
    String add(String piece) {
        if (stopped) {
            return "";
        }
        held.append(piece);
        int stop = stops.stream()
                .mapToInt(held::indexOf)
                .filter(at -> at >= 0)
                .min()
                .orElse(-1);
        stopped = stop >= 0;
        int certain = stopped ? stop : held.length() - longestBeginning();
        String text = held.substring(0, certain);
        held.delete(0, certain);
        return text;
    }

    /** Length of the longest end of the text with which a stop begins. */
    private int longestBeginning() {
        int longest = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
                if (stop.startsWith(held.substring(held.length() - length))) {
                    longest = length;
                }
            }
        }
        return longest;
    }

    /** True once a stop string was there. */
    boolean stopped() {
        return stopped;
    }

    /** What was held back, at the end of a text without stop. */
    String rest() {
        String text = stopped ? "" : held.toString();
        held.setLength(0);
        return text;
    }
}
