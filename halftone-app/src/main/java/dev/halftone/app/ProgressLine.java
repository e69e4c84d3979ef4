package dev.halftone.app;

import java.io.PrintStream;
import java.time.Duration;

/**
 * Progress with the time left, on standard error: one line that is rewritten on a terminal, a new line every half minute elsewhere,
 * so that a log shows where a long run is.
 */
final class ProgressLine implements AutoCloseable {
    private static final int WIDTH = 30;
    private static final long REDRAW = 100_000_000;
    private static final long LOGGED = 30_000_000_000L;
    private final PrintStream err = System.err;
    private String title;
    private final boolean terminal = Boolean.getBoolean("halftone.terminal");
    private long start = System.nanoTime();
    private boolean drawn;
    private int found;
    private long lastDrawn = start;

    ProgressLine(String title) {
        this.title = title;
    }

    /** What was done before this run says nothing about its speed. */
    synchronized void begin(int done) {
        found = done;
    }

    /** Another kind of work follows, which is timed from now on. */
    synchronized void next(String work) {
        if (!title.equals(work)) {
            title = work;
            found = 0;
            start = System.nanoTime();
        }
    }

    synchronized void update(int done, int total) {
        long now = System.nanoTime();
        if (total == 0 || (!terminal && now - lastDrawn < LOGGED)) {
            return;
        }
        lastDrawn = now;
        double elapsed = (now - start) / 1e9;
        String left = done == found ? "" : ", " + time(elapsed * (total - done) / (done - found)) + " left";
        if (!terminal) {
            err.printf("halftone: %s %d/%d%s%n", title, done, total, left);
            return;
        }
        int filled = WIDTH * done / total;
        err.printf("\r%s [%s%s] %d/%d%s   ", title, "=".repeat(filled), " ".repeat(WIDTH - filled), done, total, left);
        err.flush();
        drawn = true;
    }

    /**
     * The same in bytes, from several threads: with the speed, and at most ten times a second.
     *
     * @param found bytes of {@code done} that were there before this run, which say nothing about its speed
     */
    synchronized void updateBytes(long done, long total, long found) {
        long now = System.nanoTime();
        if (!terminal || total == 0 || (now - lastDrawn < REDRAW && done < total && drawn)) {
            return;
        }
        lastDrawn = now;
        int filled = (int) (WIDTH * ((double) done / total));
        double speed = (done - found) / Math.max((now - start) / 1e9, 1e-3);
        String left =
                speed <= 0 ? "" : ", %s/s, %s left".formatted(size(Math.round(speed)), time((total - done) / speed));
        err.printf(
                "\r%s [%s%s] %s of %s%s        ",
                title, "=".repeat(filled), " ".repeat(WIDTH - filled), size(done), size(total), left);
        err.flush();
        drawn = true;
    }

    private static String size(long bytes) {
        return bytes < 1e6
                ? "%.0f kB".formatted(bytes / 1e3)
                : bytes < 1e9 ? "%.1f MB".formatted(bytes / 1e6) : "%.2f GB".formatted(bytes / 1e9);
    }

    /** Minutes and seconds, with hours where there are any. */
    static String time(double seconds) {
        Duration duration = Duration.ofSeconds(Math.round(seconds));
        return duration.toHours() > 0
                ? "%d:%02d:%02d".formatted(duration.toHours(), duration.toMinutesPart(), duration.toSecondsPart())
                : "%d:%02d".formatted(duration.toMinutes(), duration.toSecondsPart());
    }

    @Override
    public synchronized void close() {
        if (drawn) {
            err.printf("\r%s\r", " ".repeat(title.length() + WIDTH + 60));
        }
    }
}
