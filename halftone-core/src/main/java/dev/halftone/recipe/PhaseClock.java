package dev.halftone.recipe;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/** Seconds by phase. */
final class PhaseClock {
    private final Map<String, Double> seconds = new LinkedHashMap<>();
    private final long start = System.nanoTime();

    PhaseClock(String... phases) {
        for (String phase : phases) {
            seconds.put(phase, 0.0);
        }
    }

    <T> T time(String phase, Supplier<T> body) {
        long from = System.nanoTime();
        try {
            return body.get();
        } finally {
            seconds.merge(phase, (System.nanoTime() - from) / 1e9, Double::sum);
        }
    }

    void time(String phase, Runnable body) {
        long from = System.nanoTime();
        try {
            body.run();
        } finally {
            seconds.merge(phase, (System.nanoTime() - from) / 1e9, Double::sum);
        }
    }

    /** Adds the time since {@code from}, of {@link System#nanoTime}. */
    void add(String phase, long from) {
        seconds.merge(phase, (System.nanoTime() - from) / 1e9, Double::sum);
    }

    Map<String, Double> phases() {
        return seconds;
    }

    double total() {
        return (System.nanoTime() - start) / 1e9;
    }
}
