package dev.halftone.app;

import java.io.PrintStream;
import java.time.Duration;

/** Progress with the time left: one line that is rewritten on a terminal, nothing elsewhere. Goes to standard error. */
final class ProgressLine implements AutoCloseable {
    private static final int WIDTH = 30;
    private static final long REDRAW = 100_000_000;
    private final PrintStream err = System.err;
    private final String title;
    private final boolean terminal = Boolean.getBoolean("halftone.terminal");
    private final long start = System.nanoTime();
    private boolean drawn;
    private long lastDrawn = start;

    ProgressLine(String title) {
        this.title = title;
    }

    synchronized void update(int done, int total) {
        if (!terminal || total == 0) {
            return;
        }
        int filled = WIDTH * done / total;
        double elapsed = (System.nanoTime() - start) / 1e9;
        String left = done == 0 ? "" : ", " + time(elapsed * (total - done) / done) + " left";
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

    /** Minutes and seconds, hours in front where there are some. */
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
